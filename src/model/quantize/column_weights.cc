#include "model/quantize/column_weights.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace overtake {
namespace {

// No column matters so little that it may become anything: the text that was read for the
// importance is not all that the model will read.
constexpr float kLeastImportance = 1e-4f;  // of the mean

}  // namespace

Result<std::vector<float>> column_weights(const PlannedTensor& tensor,
                                          const Importance* importance) {
  if (!importance) return std::vector<float>();
  const std::span<const float> found = importance->of(tensor.name);
  if (!found.empty() && static_cast<int64_t>(found.size()) != tensor.shape.back()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("importance of {} columns for tensor {}, which has {}; the importance "
                             "matrix; take the one of this model",
                             found.size(), escaped(tensor.name), tensor.shape.back())};
  }
  double sum = 0;
  for (const float value : found) sum += value;
  if (!(sum > 0)) return std::vector<float>();
  const float mean = static_cast<float>(sum / static_cast<double>(found.size()));
  std::vector<float> out;
  for (const float value : found) out.push_back(std::max(value / mean, kLeastImportance));
  return out;
}

Status check_finite(const PlannedTensor& tensor, int64_t row, std::span<const float> rows) {
  const int64_t n_cols = tensor.shape.back();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (std::isfinite(rows[i])) continue;
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("tensor {} holds {} in row {}, column {}; the file to quantize; it is "
                    "damaged or its training diverged, take another",
                    escaped(tensor.name), std::isnan(rows[i]) ? "no number" : "infinity",
                    row + static_cast<int64_t>(i) / n_cols, static_cast<int64_t>(i) % n_cols)};
  }
  return {};
}

}  // namespace overtake
