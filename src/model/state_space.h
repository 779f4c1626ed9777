// What the architectures with state space layers load alike.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "model/gguf_plan.h"
#include "model/tensor_names.h"
#include "model/weight_loader.h"
#include "tensor/recurrent_state.h"

namespace overtake {

// Where the tensors of one layer come from.
struct LayerSource {
  WeightLoader& loader;
  const Checkpoint& checkpoint;
  const TensorNames& names;
  int64_t layer;

  std::string operator()(TensorName name) const { return names(name, layer); }
  bool is_gguf() const { return checkpoint.format() == CheckpointFormat::kGguf; }
};

// NAME.weight [n_channels, n_taps] (GGUF) or [n_channels, 1, n_taps] (a Conv1d of torch).
Result<CausalConv> load_causal_conv(const LayerSource& from, TensorName name, int64_t n_channels,
                                    int64_t n_taps, Bias bias);

// The decay rates a <= 0 of the tensor NAME. Hugging Face folders hold log(-a), GGUF files a
// itself.
Result<std::vector<float>> load_decay(const LayerSource& from, TensorName name,
                                      std::span<const int64_t> shape);

// The two on their way into a GGUF file; `gguf` and `hf` are whole names.
Status add_causal_conv(TensorName name, int64_t layer, Bias bias, GgufPlan* plan);
Status add_decay(const std::string& gguf, const std::string& hf, GgufPlan* plan);

// The state that `n_layers` layers of this kind keep for a sequence; kUnsupported if it is beyond
// any machine.
Result<RecurrentShape> recurrent_shape(int64_t n_layers, int64_t n_taps, int64_t conv_channels,
                                       const SelectiveScan& scan);

}  // namespace overtake
