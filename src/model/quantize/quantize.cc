#include "model/quantize/quantize.h"

#include <cmath>
#include <memory>
#include <mutex>

#include "base/check.h"
#include "model/convert.h"
#include "model/quantize/column_weights.h"
#include "tensor/encode/encoder.h"

namespace overtake {
namespace {

// One tensor on its way, behind TensorForm::encode.
class TensorEncoding {
 public:
  TensorEncoding(const PlannedTensor& tensor, const Encoder& encoder, std::vector<float> importance,
                 TensorLoss* loss)
      : tensor_(tensor), encoder_(encoder), importance_(std::move(importance)), loss_(loss) {}

  // Any thread.
  Status encode(int64_t first, std::span<const float> rows, std::byte* blocks) {
    TRY(check_finite(tensor_, first, rows));
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
  const PlannedTensor& tensor_;
  const Encoder& encoder_;
  std::vector<float> importance_;
  TensorLoss* loss_;
  std::mutex mutex_;
};

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
    std::vector<float> importance = TRY(column_weights(planned[i], options.importance));
    const auto encoder = std::make_shared<Encoder>(type, options.isa);
    const auto encoding =
        std::make_shared<TensorEncoding>(planned[i], *encoder, std::move(importance), &losses[i]);
    forms[i].encode = [encoder, encoding](int64_t first, std::span<const float> rows,
                                          std::byte* blocks) {
      return encoding->encode(first, rows, blocks);
    };
  }
  const GgufWriteOptions write{.file_type = options.file_type,
                               .quantized = true,
                               .overwrite = options.overwrite,
                               .progress = options.progress};
  TRY(write_gguf(checkpoint, {plan, forms, path}, write, pool));
  return losses;
}

}  // namespace overtake
