#include "tensor/count_ops.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace overtake {

double Work::operations() const {
  return std::accumulate(linear.begin(), linear.end(), attention + recurrence);
}

MultiplyKind Work::main_kind() const {
  const auto most = std::max_element(linear.begin(), linear.end());
  return *most > 0 ? static_cast<MultiplyKind>(most - linear.begin()) : MultiplyKind::kF32;
}

Work& Work::operator+=(const Work& other) {
  for (size_t i = 0; i < linear.size(); ++i) linear[i] += other.linear[i];
  attention += other.attention;
  recurrence += other.recurrence;
  bytes += other.bytes;
  return *this;
}

Tensor CountOps::make(int64_t rows, int64_t cols) {
  if (rows * cols > n_floats_ || memory_.empty()) {
    // Earlier tensors still point into what was there before.
    n_floats_ = std::max<int64_t>({rows * cols, 2 * n_floats_, 1});
    memory_.push_back(allocate_block(static_cast<size_t>(n_floats_) * sizeof(float)));
    OVERTAKE_CHECK(memory_.back() != nullptr);
  }
  return {reinterpret_cast<float*>(memory_.back().get()), rows, cols, cols};
}

void CountOps::begin(const Batch& batch) {
  batch_ = &batch;
  phase_ = batch.segments.empty() ? Phase::kDecode : batch.segments.front().phase;
}

Tensor CountOps::embed(const StoredTensor& table, float multiplier) {
  const Tensor out = make(batch_->n_tokens(), table.n_cols());
  work_.bytes += static_cast<double>(out.rows) * static_cast<double>(table.row_bytes(0).size());
  return out;
}

Tensor CountOps::linear(Tensor x, const Linear& w) {
  OVERTAKE_CHECK(x.cols == w.weight->n_in());
  const Tensor out = make(x.rows, w.weight->n_out());
  if (x.rows == 0) return out;
  const auto kind = static_cast<size_t>(kind_of_(*w.weight, phase_));
  work_.linear[kind] += 2.0 * static_cast<double>(x.rows) * static_cast<double>(x.cols) *
                        static_cast<double>(out.cols);
  work_.bytes += static_cast<double>(w.weight->bytes());
  return out;
}

Tensor CountOps::attention(Tensor qkv, const AttentionSpec& spec, int layer) {
  const auto first_seen = [&](int64_t position) {
    return spec.window > 0 ? std::max<int64_t>(0, position + 1 - spec.window) : 0;
  };
  double keys = 0;  // that rows attend to
  double read = 0;  // by segments: their rows share them
  for (const Segment& segment : batch_->segments) {
    if (segment.n_rows == 0) continue;
    const auto positions = batch_->positions.subspan(static_cast<size_t>(segment.first_row),
                                                     static_cast<size_t>(segment.n_rows));
    for (const int64_t position : positions) {
      keys += static_cast<double>(position + 1 - first_seen(position));
    }
    read += static_cast<double>(positions.back() + 1 - first_seen(positions.front()));
  }
  work_.attention += 2.0 * 2.0 * keys * spec.n_heads * spec.head_dim;
  work_.bytes += 2.0 * read * static_cast<double>(kv_shape_.plane_bytes()) / kPageTokens;
  return make(qkv.rows, int64_t{spec.n_heads} * spec.head_dim);
}

Tensor CountOps::causal_conv(Tensor x, const CausalConv& conv, int layer) {
  work_.recurrence += 2.0 * static_cast<double>(x.rows * x.cols * conv.n_taps);
  work_.bytes += static_cast<double>(conv.weight.size()) * sizeof(float);
  return make(x.rows, x.cols);
}

Tensor CountOps::selective_scan(const ScanInput& in, const SelectiveScan& scan, int layer) {
  // For each state: decay, input, output, each a multiplication and an addition.
  const double states = static_cast<double>(scan.n_channels() * scan.d_state);
  work_.recurrence += 6.0 * static_cast<double>(in.x.rows) * states;
  const double held = static_cast<double>(batch_->segments.size()) * states;
  work_.bytes += (held + static_cast<double>(scan.channel_decay.size())) * sizeof(float);
  return make(in.x.rows, in.x.cols);
}

void CountOps::gated_mlp_add(Tensor x, const Linear& gate_up, const Linear& down,
                             Activation activation, Tensor into) {
  const Tensor both = linear(x, gate_up);
  linear(both.columns(0, both.cols / 2), down);
}

void CountOps::mlp_add(Tensor x, const Linear& up, const Linear& down, Activation activation,
                       Tensor into) {
  linear(linear(x, up), down);
}

Tensor CountOps::take_logit_rows(Tensor x) {
  phase_ = Phase::kDecode;  // as logits are always computed
  return make(static_cast<int64_t>(batch_->logit_rows.size()), x.cols);
}

}  // namespace overtake
