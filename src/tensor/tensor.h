// Tensors: activations in the arena of one forward pass, and tensors as they stand in a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "tensor/quant_type.h"

namespace overtake {

// f32 activations, row-major [rows, cols] with `stride` floats from row to row. A view: the memory
// belongs to the Ops that made it and lives until that Ops' next begin().
struct Tensor {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  float* row(int64_t i) const { return data + i * stride; }
  std::span<float> row_span(int64_t i) const { return {row(i), static_cast<size_t>(cols)}; }
  Tensor some_rows(int64_t first, int64_t count) const {
    OVERTAKE_CHECK(first >= 0 && count >= 0 && first + count <= rows);
    return {row(first), count, cols, stride};
  }
  Tensor columns(int64_t first, int64_t count) const {
    OVERTAKE_CHECK(first >= 0 && count >= 0 && first + count <= cols);
    return {data + first, rows, count, stride};
  }
};

// Whoever holds the bytes of stored tensors and wants to know when they are read: a mapped file can
// fetch them from disk beforehand, and need not keep them in memory afterwards. Any thread.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual void will_read(std::span<const std::byte> bytes) const = 0;
  // They may still be read, for the price of getting them again.
  virtual void was_read(std::span<const std::byte> bytes) const = 0;
};

// A tensor in a checkpoint. The reader has verified that `data` has the size that type and shape
// ask for. The bytes belong to the checkpoint.
struct StoredTensor {
  std::string name;
  const QuantType* type = nullptr;
  std::vector<int64_t> shape;  // outermost first: a weight is [n_out, n_in]
  std::span<const std::byte> data;
  const TensorSource* source = nullptr;  // of `data`; null: nobody wants to know

  int64_t n_rows() const;  // product of all but the last dimension
  int64_t n_cols() const;  // the last dimension
  std::span<const std::byte> row_bytes(int64_t row) const;
  std::vector<float> to_f32() const;
};

}  // namespace overtake
