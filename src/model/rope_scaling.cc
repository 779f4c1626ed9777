#include "model/rope_scaling.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace overtake {
namespace {

// theta ^ (-2j / n), in f32 at every step as transformers has it.
std::vector<float> plain_frequencies(double theta, int n_dims) {
  std::vector<float> out(static_cast<size_t>(n_dims / 2));
  for (size_t j = 0; j < out.size(); ++j) {
    const float exponent = static_cast<float>(2 * j) / static_cast<float>(n_dims);
    out[j] = 1.0f / std::pow(static_cast<float>(theta), exponent);
  }
  return out;
}

// Llama 3.1: long wavelengths are slowed by `factor`, short ones kept, those between blended.
void scale_llama3(const RopeConfig& config, std::vector<float>& inv_freq) {
  const double context = static_cast<double>(config.original_context);
  const double longest_kept = context / config.high_freq_factor;
  const double shortest_slowed = context / config.low_freq_factor;
  for (float& frequency : inv_freq) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength < longest_kept) continue;
    const double slowed = frequency / config.factor;
    if (wavelength > shortest_slowed) {
      frequency = static_cast<float>(slowed);
      continue;
    }
    const double smooth = (context / wavelength - config.low_freq_factor) /
                          (config.high_freq_factor - config.low_freq_factor);
    frequency = static_cast<float>((1 - smooth) * slowed + smooth * frequency);
  }
}

// YaRN (Peng et al. 2023), section 3.2: dimensions that turn often are kept, slow ones
// interpolated, with a linear ramp between the two bounds.
void scale_yarn(const RopeConfig& config, std::vector<float>& inv_freq) {
  const auto dim_of_rotations = [&](double rotations) {
    return config.n_dims *
           std::log(static_cast<double>(config.original_context) /
                    (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(config.theta));
  };
  double low = dim_of_rotations(config.beta_fast);
  double high = dim_of_rotations(config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, config.n_dims - 1.0);
  if (low == high) high += 0.001;  // as transformers does: no division by zero
  for (size_t j = 0; j < inv_freq.size(); ++j) {
    const double ramp = std::clamp((static_cast<double>(j) - low) / (high - low), 0.0, 1.0);
    const double kept = inv_freq[j];
    inv_freq[j] = static_cast<float>(kept / config.factor * ramp + kept * (1 - ramp));
  }
}

double yarn_magnitude(const RopeConfig& config) {
  if (config.attention_factor) return *config.attention_factor;
  const auto growth = [&](double mscale) {
    return config.factor <= 1 ? 1.0 : 0.1 * mscale * std::log(config.factor) + 1.0;
  };
  if (config.mscale != 0 && config.mscale_all_dim != 0) {
    return growth(config.mscale) / growth(config.mscale_all_dim);
  }
  return growth(1.0);
}

Error bad(const std::string& what) {
  return {ErrorCode::kDamaged,
          what + "; rotary embedding settings of the model; the file is damaged or contradictory"};
}

// Reads the fields that config.json's two forms share, below `prefix` ("rope_scaling.").
Status read_hf_fields(const Metadata& config, const std::string& prefix, RopeConfig& out) {
  const auto read = [&](const char* name, double& field) -> Status {
    if (const auto value = TRY(config.find_double(prefix + name))) field = *value;
    return {};
  };
  const auto type = TRY(config.find_string(prefix + "rope_type"));
  const auto old_type = TRY(config.find_string(prefix + "type"));
  if (type || old_type) out.type = type ? *type : *old_type;
  TRY(read("rope_theta", out.theta));
  TRY(read("factor", out.factor));
  TRY(read("low_freq_factor", out.low_freq_factor));
  TRY(read("high_freq_factor", out.high_freq_factor));
  TRY(read("mscale", out.mscale));
  TRY(read("mscale_all_dim", out.mscale_all_dim));
  TRY(read("beta_fast", out.beta_fast));
  TRY(read("beta_slow", out.beta_slow));
  if (const auto factor = TRY(config.find_double(prefix + "attention_factor"))) {
    out.attention_factor = *factor;
  }
  double turned = 1;
  TRY(read("partial_rotary_factor", turned));
  if (turned != 1) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("partial_rotary_factor {}; config.json; this architecture turns whole "
                             "heads",
                             turned)};
  }
  if (const auto original = TRY(config.find_int(prefix + "original_max_position_embeddings"))) {
    out.original_context = *original;
  }
  if (const auto truncate = TRY(config.find_bool(prefix + "truncate"))) out.truncate = *truncate;
  return {};
}

}  // namespace

Result<RopeConfig> read_hf_rope(const Metadata& config, int n_dims, int64_t context) {
  RopeConfig out;
  out.n_dims = n_dims;
  out.context = out.original_context = context;
  if (const auto theta = TRY(config.find_double("rope_theta"))) out.theta = *theta;
  TRY(read_hf_fields(config, "rope_scaling.", out));
  TRY(read_hf_fields(config, "rope_parameters.", out));
  if (const auto original = TRY(config.find_int("original_max_position_embeddings"))) {
    out.original_context = *original;
  }
  return out;
}

Result<Rope> make_rope(const RopeConfig& config) {
  if (config.n_dims <= 0 || config.n_dims % 2 != 0) {
    return bad(
        fmt::format("{} rotated dimensions, expected an even number above 0", config.n_dims));
  }
  if (!(config.theta > 0) || !(config.factor > 0) || !std::isfinite(config.theta) ||
      !std::isfinite(config.factor)) {
    return bad(fmt::format("theta {} and factor {}", config.theta, config.factor));
  }
  Rope rope;
  rope.n_dims = config.n_dims;
  rope.inv_freq = plain_frequencies(config.theta, config.n_dims);
  if (config.type == "default") return rope;
  if (config.original_context <= 0) {
    return bad(fmt::format("original context {}", config.original_context));
  }
  if (config.type == "linear") {
    for (float& frequency : rope.inv_freq) frequency /= static_cast<float>(config.factor);
  } else if (config.type == "llama3") {
    scale_llama3(config, rope.inv_freq);
  } else if (config.type == "yarn") {
    scale_yarn(config, rope.inv_freq);
    rope.magnitude = static_cast<float>(yarn_magnitude(config));
  } else if (config.type == "dynamic") {
    if (config.n_dims < 4) return bad("dynamic scaling of fewer than 4 dimensions");
    rope.dynamic = Rope::Dynamic{config.theta, config.factor, config.context};
  } else {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("rope scaling \"{}\" is not known; rotary embedding settings of the "
                             "model; known are default, linear, dynamic, yarn and llama3",
                             config.type)};
  }
  return rope;
}

}  // namespace overtake
