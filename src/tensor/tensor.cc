#include "tensor/tensor.h"

namespace overtake {

int64_t StoredTensor::n_cols() const { return shape.empty() ? 1 : shape.back(); }

int64_t StoredTensor::n_rows() const {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return rows;
}

std::span<const std::byte> StoredTensor::row_bytes(int64_t row) const {
  const size_t size = static_cast<size_t>(type->row_bytes(n_cols()));
  return data.subspan(static_cast<size_t>(row) * size, size);
}

std::vector<float> StoredTensor::to_f32() const {
  std::vector<float> out(static_cast<size_t>(n_rows() * n_cols()));
  type->decode(data.data(), out.data(), static_cast<int64_t>(out.size()));
  return out;
}

}  // namespace overtake
