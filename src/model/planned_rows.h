// PlannedRows: the numbers of a planned tensor, read from the checkpoint row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/gguf_plan.h"

namespace overtake {

// Of a tensor that has a source, or of none (no rows). Immutable; the tensor outlives it.
class PlannedRows {
 public:
  explicit PlannedRows(const PlannedTensor& tensor);

  int64_t n_rows() const { return static_cast<int64_t>(rows_.size()); }
  int64_t n_cols() const { return tensor_.shape.back(); }
  // As the checkpoint has the row, before the plan's change.
  const std::byte* stored(int64_t row) const { return rows_[static_cast<size_t>(row)]; }
  void read(int64_t row, std::span<float> to) const;
  std::vector<float> read_rows(int64_t first, int64_t end) const;  // [end - first, n_cols]

 private:
  const PlannedTensor& tensor_;
  std::vector<const std::byte*> rows_;
};

}  // namespace overtake
