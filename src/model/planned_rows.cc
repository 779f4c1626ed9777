#include "model/planned_rows.h"

namespace overtake {

PlannedRows::PlannedRows(const PlannedTensor& tensor) : tensor_(tensor) {
  const auto add = [&](int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; ++i) {
      rows_.push_back(tensor.source->row_bytes(i).data());
    }
  };
  for (const auto& part : tensor.rows) add(part.first, part.count);
  if (tensor.source && tensor.rows.empty()) add(0, tensor.source->n_rows());
}

void PlannedRows::read(int64_t row, std::span<float> to) const {
  tensor_.source->type->decode(stored(row), to.data(), n_cols());
  if (tensor_.change) tensor_.change(row, to);
}

std::vector<float> PlannedRows::read_rows(int64_t first, int64_t end) const {
  const size_t n_cols = static_cast<size_t>(this->n_cols());
  std::vector<float> out(static_cast<size_t>(end - first) * n_cols);
  for (int64_t row = first; row < end; ++row) {
    read(row, std::span(out).subspan(static_cast<size_t>(row - first) * n_cols, n_cols));
  }
  return out;
}

}  // namespace overtake
