// What the architectures with state space layers load alike.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "model/weight_loader.h"
#include "tensor/recurrent_state.h"

namespace overtake {

// `name`.weight [n_channels, n_taps] (GGUF) or [n_channels, 1, n_taps] (a Conv1d of torch).
Result<CausalConv> load_causal_conv(WeightLoader& loader, const Checkpoint& checkpoint,
                                    const std::string& name, int64_t n_channels, int64_t n_taps,
                                    Bias bias);

// The decay rates a < 0. Hugging Face folders hold log(-a), GGUF files a itself.
Result<std::vector<float>> load_decay(WeightLoader& loader, const Checkpoint& checkpoint,
                                      const std::string& tensor, std::span<const int64_t> shape);

// The state that `n_layers` layers of this kind keep for a sequence; kUnsupported if it is beyond
// any machine.
Result<RecurrentShape> recurrent_shape(int64_t n_layers, int64_t n_taps, int64_t conv_channels,
                                       const SelectiveScan& scan);

}  // namespace overtake
