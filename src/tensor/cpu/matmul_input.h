// MatmulScratch: the activations of one product in the form that its kernels read, in memory that
// is kept from product to product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "parallel/thread_pool.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/packed_weight.h"
#include "tensor/large_block.h"

namespace overtake {

class MatmulScratch {
 public:
  // Quantizes or copies x, as the weight's segments need it. Allocates if it needs more than ever.
  void load(Tensor x, const PackedWeight& weight, FineCodes which, ThreadPool& pool);

  // Memory for something else, until the next call of either. At an address divisible by 64.
  std::byte* take(size_t size);

  // The rows from `row` to the end of its panel.
  IntegerRows integer_rows(size_t input_kind, int64_t row) const;
  // The panel [k, kMaxPanelRows or what is left] that begins at `row`.
  const float* float_rows(int64_t row) const { return floats_ + row * n_in_; }

 private:
  void place(const PackedWeight& weight, const Tensor& x);
  struct Input {
    InputKind kind;
    int8_t* codes;
    float* scale;
    int32_t* half_sums;
    int32_t* zero_sum;  // or
    float* min_sum;
    uint16_t* fine_rows;  // [n panels, blocks of a row]
  };
  void quantize_panel(const Tensor& x, const MatmulKernels& kernels, const Input& input,
                      FineCodes which, int64_t first_row) const;
  void transpose_panel(const Tensor& x, int64_t first_row) const;

  LargeBlock memory_;
  size_t capacity_ = 0;
  int64_t n_rows_ = 0;
  int64_t n_in_ = 0;
  std::vector<Input> inputs_;
  const float* floats_ = nullptr;
  float* own_floats_ = nullptr;
};

}  // namespace overtake
