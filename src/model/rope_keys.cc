// Rotary settings in a GGUF file: the keys ARCH.rope.* that llama.cpp reads, and beside them
// overtake.rope.*, which say exactly what config.json said (docs/convert.md).
#include <algorithm>
#include <cmath>

#include "model/gguf_plan.h"
#include "model/rope_scaling.h"

namespace overtake {
namespace {

constexpr const char* kExactType = "overtake.rope.type";

struct NumberKey {
  const char* key;
  double RopeConfig::* field;
};
constexpr NumberKey kExactNumbers[] = {
    {"overtake.rope.theta", &RopeConfig::theta},
    {"overtake.rope.factor", &RopeConfig::factor},
    {"overtake.rope.low_freq_factor", &RopeConfig::low_freq_factor},
    {"overtake.rope.high_freq_factor", &RopeConfig::high_freq_factor},
    {"overtake.rope.mscale", &RopeConfig::mscale},
    {"overtake.rope.mscale_all_dim", &RopeConfig::mscale_all_dim},
    {"overtake.rope.beta_fast", &RopeConfig::beta_fast},
    {"overtake.rope.beta_slow", &RopeConfig::beta_slow}};
constexpr const char* kExactOriginal = "overtake.rope.original_context_length";
constexpr const char* kExactMagnitude = "overtake.rope.attention_factor";
constexpr const char* kExactTruncate = "overtake.rope.truncate";

Status read_exact(const Metadata& metadata, RopeConfig* out) {
  out->type = TRY(metadata.get_string(kExactType));
  for (const NumberKey& number : kExactNumbers) {
    out->*number.field = TRY(metadata.get_double(number.key));
  }
  out->original_context = TRY(metadata.get_int(kExactOriginal));
  out->attention_factor = TRY(metadata.find_double(kExactMagnitude));
  out->truncate = TRY(metadata.find_bool(kExactTruncate)).value_or(true);
  return {};
}

void set_exact(const RopeConfig& config, Metadata* out) {
  out->set(kExactType, config.type);
  for (const NumberKey& number : kExactNumbers) out->set(number.key, config.*number.field);
  out->set(kExactOriginal, config.original_context);
  if (config.attention_factor) out->set(kExactMagnitude, *config.attention_factor);
  out->set(kExactTruncate, config.truncate);
}

double yarn_growth(double factor) { return factor <= 1 ? 1.0 : 0.1 * std::log(factor) + 1.0; }

// The angles of the unscaled embedding are these times the scaled ones.
Status add_divisors(const RopeConfig& config, const Rope& scaled, GgufPlan* plan) {
  RopeConfig plain = config;
  plain.type = "default";
  std::vector<float> divisors = TRY(make_rope(plain)).inv_freq;
  for (size_t j = 0; j < divisors.size(); ++j) divisors[j] /= scaled.inv_freq[j];
  plan->add_values("rope_freqs.weight", std::move(divisors));
  return {};
}

Status set_yarn(const RopeConfig& config, const Rope& scaled, GgufPlan* plan) {
  // llama.cpp knows YaRN with the paper's bounds. With others its angles become divisors.
  if (config.beta_fast != 32 || config.beta_slow != 1 || !config.truncate) {
    plan->set_f32("rope.scaling.attn_factor", scaled.magnitude);
    return add_divisors(config, scaled, plan);
  }
  plan->set("rope.scaling.type", std::string("yarn"));
  plan->set_f32("rope.scaling.factor", config.factor);
  plan->set("rope.scaling.original_context_length", config.original_context);
  plan->set_f32("rope.scaling.attn_factor", scaled.magnitude / yarn_growth(config.factor));
  return {};
}

}  // namespace

bool has_exact_rope(const Metadata& metadata) { return metadata.has(kExactType); }

Result<RopeConfig> read_gguf_rope(const Metadata& metadata, const std::string& arch, int n_dims,
                                  int64_t context) {
  RopeConfig out;
  out.n_dims = n_dims;
  out.context = out.original_context = context;
  if (has_exact_rope(metadata)) {
    TRY(read_exact(metadata, &out));
    return out;
  }
  const std::string prefix = arch + ".rope.";
  const auto read = [&](const char* name, double& field) -> Status {
    if (const auto value = TRY(metadata.find_double(prefix + name))) field = *value;
    return {};
  };
  if (const auto type = TRY(metadata.find_string(prefix + "scaling.type"))) {
    out.type = *type == "none" ? "default" : *type;
  }
  TRY(read("freq_base", out.theta));
  TRY(read("scaling.factor", out.factor));
  TRY(read("scaling.yarn_beta_fast", out.beta_fast));
  TRY(read("scaling.yarn_beta_slow", out.beta_slow));
  // Old files of linearly scaled models have this key alone.
  if (const auto linear = TRY(metadata.find_double(prefix + "scale_linear"))) {
    out.type = "linear";
    out.factor = *linear;
  }
  if (const auto original = TRY(metadata.find_int(prefix + "scaling.original_context_length"))) {
    out.original_context = *original;
  }
  if (out.type == "yarn") {
    if (const auto extra = TRY(metadata.find_double(prefix + "scaling.attn_factor"))) {
      out.attention_factor = *extra * yarn_growth(out.factor);
    }
  }
  return out;
}

Status set_gguf_rope(const RopeConfig& config, GgufPlan* plan) {
  plan->set_f32("rope.freq_base", config.theta);
  if (config.type == "default") return {};
  set_exact(config, &plan->metadata());
  const Rope scaled = TRY(make_rope(config));
  if (config.type == "linear") {
    plan->set("rope.scaling.type", std::string("linear"));
    plan->set_f32("rope.scaling.factor", config.factor);
  } else if (config.type == "yarn") {
    TRY(set_yarn(config, scaled, plan));
  } else if (config.type == "llama3") {
    TRY(add_divisors(config, scaled, plan));
  }
  return {};
}

}  // namespace overtake
