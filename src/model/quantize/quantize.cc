#include "model/quantize/quantize.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include "base/check.h"
#include "base/text.h"
#include "model/convert.h"
#include "tensor/encode/encoder.h"

namespace overtake {
namespace {

// One tensor on its way, behind TensorForm::encode.
class TensorEncoding {
 public:
  TensorEncoding(const PlannedTensor& tensor, const Encoder& encoder, std::vector<float> importance,
                 TensorLoss* loss)
      : name_(tensor.name),
        n_cols_(tensor.shape.back()),
        encoder_(encoder),
        importance_(std::move(importance)),
        loss_(loss) {}

  // Any thread.
  Status encode(int64_t first, std::span<const float> rows, std::byte* blocks) {
    TRY(check_finite(first, rows));
    encoder_.encode(rows, importance_, blocks);
    std::vector<float> decoded(rows.size());
    encoder_.type().decode(blocks, decoded.data(), static_cast<int64_t>(rows.size()));
    double squares = 0;
    double squared_errors = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const double error = double{rows[i]} - double{decoded[i]};
      squares += double{rows[i]} * double{rows[i]};
      squared_errors += error * error;
    }
    const std::scoped_lock lock(mutex_);
    loss_->squares += squares;
    loss_->squared_errors += squared_errors;
    return {};
  }

 private:
  Status check_finite(int64_t first, std::span<const float> rows) const {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (std::isfinite(rows[i])) continue;
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("tensor {} holds {} in row {}, column {}; the file to quantize; it "
                               "is damaged or its training diverged, take another",
                               escaped(name_), std::isnan(rows[i]) ? "no number" : "infinity",
                               first + static_cast<int64_t>(i) / n_cols_,
                               static_cast<int64_t>(i) % n_cols_)};
    }
    return {};
  }

  const std::string& name_;
  int64_t n_cols_;
  const Encoder& encoder_;
  std::vector<float> importance_;
  TensorLoss* loss_;
  std::mutex mutex_;
};

// No column matters so little that it may become anything: the text that was read for the
// importance is not all that the model will read.
constexpr float kLeastImportance = 1e-4f;  // of the mean

// Empty if nothing is known.
Result<std::vector<float>> importance_of(const PlannedTensor& tensor,
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

}  // namespace

double TensorLoss::relative() const {
  return squares > 0 ? std::sqrt(squared_errors / squares) : 0;
}

Result<std::vector<TensorLoss>> quantize_gguf(const Checkpoint& checkpoint, const GgufPlan& plan,
                                              const std::string& path,
                                              const QuantizeOptions& options, ThreadPool& pool) {
  const std::vector<PlannedTensor>& planned = plan.tensors();
  OVERTAKE_CHECK(options.types.size() == planned.size());
  std::vector<TensorLoss> losses(planned.size());
  std::vector<TensorForm> forms(planned.size());
  for (size_t i = 0; i < planned.size(); ++i) {
    const QuantType& type = *options.types[i];
    forms[i].type = losses[i].type = &type;
    losses[i].name = planned[i].name;
    losses[i].n_elements = static_cast<int64_t>(planned[i].values.size());
    if (!planned[i].source) continue;
    losses[i].n_elements = 1;
    for (const int64_t size : planned[i].shape) losses[i].n_elements *= size;
    std::vector<float> importance = TRY(importance_of(planned[i], options.importance));
    const auto encoder = std::make_shared<Encoder>(type, options.isa);
    const auto encoding =
        std::make_shared<TensorEncoding>(planned[i], *encoder, std::move(importance), &losses[i]);
    forms[i].encode = [encoder, encoding](int64_t first, std::span<const float> rows,
                                          std::byte* blocks) {
      return encoding->encode(first, rows, blocks);
    };
  }
  const GgufWriteOptions write{
      .file_type = options.file_type, .overwrite = options.overwrite, .progress = options.progress};
  TRY(write_gguf(checkpoint, {plan, forms, path}, write, pool));
  return losses;
}

}  // namespace overtake
