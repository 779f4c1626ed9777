#include "model/state_space.h"

#include <fmt/core.h>

#include <cmath>

#include "model/limits.h"

namespace overtake {

Result<CausalConv> load_causal_conv(const LayerSource& from, TensorName name, int64_t n_channels,
                                    int64_t n_taps, Bias bias) {
  const int64_t flat[] = {n_channels, n_taps}, conv1d[] = {n_channels, 1, n_taps};
  const std::string weight = from(name) + ".weight", bias_name = from(name) + ".bias";
  const std::vector<float> rows =
      TRY(from.is_gguf() ? from.loader.values(weight, flat) : from.loader.values(weight, conv1d));
  CausalConv conv;
  conv.n_taps = n_taps;
  conv.weight.resize(rows.size());
  for (int64_t c = 0; c < n_channels; ++c) {
    for (int64_t k = 0; k < n_taps; ++k) {
      conv.weight[static_cast<size_t>(k * n_channels + c)] =
          rows[static_cast<size_t>(c * n_taps + k)];
    }
  }
  if (bias == Bias::kRequired || (bias == Bias::kIfPresent && from.loader.has(bias_name))) {
    const int64_t shape[] = {n_channels};
    conv.bias = TRY(from.loader.values(bias_name, shape));
  }
  return conv;
}

Result<std::vector<float>> load_decay(const LayerSource& from, TensorName name,
                                      std::span<const int64_t> shape) {
  std::vector<float> values = TRY(from.loader.values(from(name), shape));
  for (float& value : values) {
    if (!from.is_gguf()) value = -std::exp(value);
    if (!(value <= 0) || !std::isfinite(value)) {
      return Error{ErrorCode::kDamaged,
                   fmt::format("tensor {}: a decay rate is {}, so the state would grow without "
                               "end; {}; the file is damaged, get it again",
                               from(name), value, from.checkpoint.path())};
    }
  }
  return values;
}

Status add_causal_conv(TensorName name, int64_t layer, Bias bias, GgufPlan* plan) {
  const size_t first = plan->tensors().size();
  TRY(plan->add(name, layer, bias));
  std::vector<int64_t>& shape = plan->tensors()[first].shape;
  if (shape.size() == 3) shape.erase(shape.begin() + 1);
  return {};
}

Status add_decay(const std::string& gguf, const std::string& hf, GgufPlan* plan) {
  return plan->add_tensor(gguf, hf, {}, [](int64_t, std::span<float> values) {
    for (float& value : values) value = -std::exp(value);
  });
}

Result<RecurrentShape> recurrent_shape(int64_t n_layers, int64_t n_taps, int64_t conv_channels,
                                       const SelectiveScan& scan) {
  RecurrentShape shape;
  shape.n_layers = static_cast<int>(n_layers);
  shape.conv_rows = n_taps - 1;
  shape.conv_channels = conv_channels;
  shape.n_blocks = channel_blocks(scan.n_heads, scan.head_dim);
  shape.d_state = scan.d_state;
  // Each factor is bounded, so their product is far below 2^63.
  if (shape.bytes() <= kMaxStateBytes) return shape;
  return Error{ErrorCode::kUnsupported,
               fmt::format("the state of one sequence would take {} GiB; the model's settings; no "
                           "machine has that, the file is damaged",
                           shape.bytes() >> 30)};
}

}  // namespace overtake
