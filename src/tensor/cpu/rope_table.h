// Cosines and sines of every row of a batch, computed once a pass for each rope of the model.
#pragma once

#include <vector>

#include "parallel/thread_pool.h"
#include "tensor/batch.h"
#include "tensor/cpu/attention_kernels.h"
#include "tensor/rope.h"

namespace overtake {

class RopeTable {
 public:
  // Forgets the last pass; its memory is kept for the next.
  void begin(const Batch& batch);
  // Prepares `rope`, which must live until the next begin(); null is the rope that turns nothing.
  void prepare(const Rope* rope, ThreadPool& pool);
  // The turn of a row by the rope that was prepared last.
  Turn turn(int64_t row) const;

 private:
  struct Entry {
    const Rope* rope;
    std::vector<float> turns;        // [n_tokens, 2, n_dims]: cosines, then signed sines
    std::vector<float> frequencies;  // [n_segments, n_dims / 2]
  };
  void fill(Entry& entry, ThreadPool& pool) const;

  const Batch* batch_ = nullptr;
  std::vector<Entry> entries_;
  size_t n_entries_ = 0;  // of this pass; later ones are memory to reuse
  const Entry* current_ = nullptr;
};

}  // namespace overtake
