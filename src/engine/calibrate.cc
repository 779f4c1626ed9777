#include "engine/calibrate.h"

#include <algorithm>
#include <cmath>

#include "engine/trace.h"
#include "tensor/tap_ops.h"

namespace overtake {
namespace {

float activated(Activation activation, float x) {
  switch (activation) {
    case Activation::kSilu:
      return x / (1.0f + std::exp(-x));
    case Activation::kGelu:
      return 0.5f * x * (1.0f + std::erf(x * 0.70710678f));
    case Activation::kGeluTanh:
      return 0.5f * x * (1.0f + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
  }
  return x;
}

// Takes fused operations apart where a matrix's input would stay inside.
class ColumnTap final : public TapOps {
 public:
  ColumnTap(std::unique_ptr<Ops> ops, CalibrationBackend& backend)
      : TapOps(*ops, [](int, Tensor) {}), ops_(std::move(ops)), backend_(backend) {}

  Tensor linear(Tensor x, const Linear& w) override {
    backend_.record(x, w);
    return ops_->linear(x, w);
  }
  void linear_add(Tensor x, const Linear& w, Tensor into) override {
    backend_.record(x, w);
    ops_->linear_add(x, w, into);
  }
  void gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down, Activation activation,
                     Tensor into) override {
    const Tensor both = linear(x, gate_up);
    const Tensor inner = both.columns(0, both.cols / 2);
    for (int64_t i = 0; i < inner.rows; ++i) {
      const float* up = both.row(i) + inner.cols;
      for (int64_t j = 0; j < inner.cols; ++j) {
        inner.row(i)[j] = activated(activation, inner.row(i)[j]) * up[j];
      }
    }
    linear_add(inner, down, into);
  }
  void mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
               Tensor into) override {
    const Tensor inner = linear(x, up);
    for (int64_t i = 0; i < inner.rows; ++i) {
      for (float& value : inner.row_span(i)) value = activated(activation, value);
    }
    linear_add(inner, down, into);
  }

 private:
  std::unique_ptr<Ops> ops_;
  CalibrationBackend& backend_;
};

}  // namespace

Result<std::unique_ptr<Weight>> CalibrationBackend::pack(std::span<const RowSpan> rows) {
  std::unique_ptr<Weight> weight = TRY(inner_.pack(rows));
  std::vector<const StoredTensor*>& sources = sources_[weight.get()];
  for (const RowSpan& span : rows) {
    if (std::ranges::find(sources, span.tensor) == sources.end()) sources.push_back(span.tensor);
  }
  return weight;
}

std::unique_ptr<Ops> CalibrationBackend::make_ops() {
  return std::make_unique<ColumnTap>(inner_.make_ops(), *this);
}

void CalibrationBackend::record(Tensor x, const Linear& w) {
  std::vector<double> squares(static_cast<size_t>(x.cols));
  for (int64_t i = 0; i < x.rows; ++i) {
    const float* row = x.row(i);
    for (int64_t j = 0; j < x.cols; ++j) squares[j] += double{row[j]} * double{row[j]};
  }
  for (const StoredTensor* source : sources_[w.weight.get()]) {
    ColumnSums& sums = sums_[source];
    sums.squares.resize(squares.size());
    for (size_t j = 0; j < squares.size(); ++j) sums.squares[j] += squares[j];
    sums.n_rows += x.rows;
  }
}

Result<Importance> calibrate(const Checkpoint& checkpoint, const GgufPlan& plan,
                             std::span<const int32_t> ids, Backend& backend,
                             const CalibrationOptions& options) {
  if (ids.empty()) {
    return Error{
        ErrorCode::kInvalidArgument,
        "no tokens to calibrate with; the text is empty; give some pages of what the model "
        "will read"};
  }
  CalibrationBackend recording(backend);
  const auto model = TRY(load_model(checkpoint, recording));
  const auto ops = recording.make_ops();
  const int64_t n_ids = static_cast<int64_t>(ids.size());
  const int64_t chunk = std::min({options.chunk, n_ids, model->info().context_length});
  const int64_t n_chunks = std::min(options.max_chunks, n_ids / chunk);
  for (int64_t i = 0; i < n_chunks; ++i) {
    const int64_t first = n_chunks == 1 ? 0 : (n_ids - chunk) / (n_chunks - 1) * i;
    TRY(trace_prompt(*model, *ops,
                     ids.subspan(static_cast<size_t>(first), static_cast<size_t>(chunk)),
                     [](int64_t, Tensor) {}));
    if (options.progress) TRY(options.progress((i + 1) * chunk, n_chunks * chunk));
  }
  Importance out;
  for (const PlannedTensor& tensor : plan.tensors()) {
    const auto found = recording.sums().find(tensor.source);
    if (!tensor.source || found == recording.sums().end()) continue;
    std::vector<float> means;
    for (const double square : found->second.squares) {
      means.push_back(static_cast<float>(square / static_cast<double>(found->second.n_rows)));
    }
    out.set(tensor.name, std::move(means));
  }
  return out;
}

}  // namespace overtake
