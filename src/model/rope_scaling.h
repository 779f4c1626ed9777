// From a checkpoint's words on rotary embedding to the angles: the scalings that the Llama and
// Falcon families use, as transformers computes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "format/checkpoint.h"
#include "tensor/rope.h"

namespace overtake {

class GgufPlan;

struct RopeConfig {
  int n_dims = 0;
  double theta = 10000.0;
  std::string type = "default";  // default, linear, dynamic, yarn, llama3
  double factor = 1.0;
  int64_t context = 0;           // max_position_embeddings
  int64_t original_context = 0;  // before scaling
  double low_freq_factor = 1.0;  // llama3
  double high_freq_factor = 4.0;
  std::optional<double> attention_factor;  // yarn
  double mscale = 0;
  double mscale_all_dim = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  bool truncate = true;
};

// From config.json: `rope_parameters`, or `rope_theta` and `rope_scaling` as most published files
// write it. `context` is the model's max_position_embeddings.
Result<RopeConfig> read_hf_rope(const Metadata& config, int n_dims, int64_t context);
// From GGUF: the keys ARCH.rope.*, or, where this program made the file, overtake.rope.*.
Result<RopeConfig> read_gguf_rope(const Metadata& metadata, const std::string& arch, int n_dims,
                                  int64_t context);
bool has_exact_rope(const Metadata& metadata);
// Writes what the two read: keys, and the tensor rope_freqs for Llama 3's scaling.
Status set_gguf_rope(const RopeConfig& config, GgufPlan* plan);

// kUnsupported for an unknown type, kDamaged for values that make no angles.
Result<Rope> make_rope(const RopeConfig& config);

}  // namespace overtake
