#include "model/quantize/mix.h"

#include <charconv>
#include <map>

#include "base/check.h"

namespace overtake {
namespace {

constexpr Mix kMixes[] = {{"q8_0", 7, "Q8_0"},    {"q6_k", 18, "Q6_K"},    {"q5_k_m", 17, "Q5_K"},
                          {"q4_k_m", 15, "Q4_K"}, {"q4_k_s", 14, "Q4_K"},  {"q4_0", 2, "Q4_0"},
                          {"q3_k_m", 12, "Q3_K"}, {"iq4_xs", 30, "IQ4_XS"}};

// Layers of a model, by what experience says of their sensitivity: first and last ones spoil most.
enum class Layers {
  kAll,
  kFirstTwo,
  kFirstFour,
  kFirstSixteenth,
  kFirstEighth,
  kEndsAndEveryThird
};

bool contains(Layers layers, int64_t i, int64_t n) {
  const int64_t eighth = n / 8;
  switch (layers) {
    case Layers::kAll:
      return true;
    case Layers::kFirstTwo:
      return i < 2;
    case Layers::kFirstFour:
      return i < 4;
    case Layers::kFirstSixteenth:
      return i < n / 16;
    case Layers::kFirstEighth:
      return i < eighth;
    case Layers::kEndsAndEveryThird:
      return i < eighth || i >= 7 * n / 8 || (i - eighth) % 3 == 2;
  }
  return false;
}

// The first rule that fits a tensor gives its type; without one it has the mix's base type.
struct Rule {
  std::string_view mix;
  TensorRole role;
  Layers layers;
  std::string_view type;
  std::string_view arch = "";  // the only one that it is for
  bool shared_values = false;  // only where four or more query heads share a value head
};

using enum TensorRole;
using enum Layers;
constexpr std::string_view kFalcon = "falcon";
constexpr Rule kRules[] = {
    {"q5_k_m", kAttentionValue, kEndsAndEveryThird, "Q6_K"},
    {"q5_k_m", kAttentionQkv, kEndsAndEveryThird, "Q6_K"},
    {"q5_k_m", kFfnDown, kEndsAndEveryThird, "Q6_K"},

    {"q4_k_m", kAttentionValue, kEndsAndEveryThird, "Q6_K"},
    {"q4_k_m", kAttentionQkv, kEndsAndEveryThird, "Q6_K"},
    {"q4_k_m", kFfnDown, kFirstSixteenth, "Q6_K"},
    {"q4_k_m", kFfnDown, kEndsAndEveryThird, "Q5_K", kFalcon},
    {"q4_k_m", kFfnDown, kAll, "Q4_K", kFalcon},
    {"q4_k_m", kFfnDown, kEndsAndEveryThird, "Q6_K"},

    {"q4_k_s", kAttentionValue, kFirstFour, "Q5_K"},
    {"q4_k_s", kAttentionQkv, kFirstFour, "Q5_K"},
    {"q4_k_s", kFfnDown, kAll, "Q4_K", kFalcon},
    {"q4_k_s", kFfnDown, kFirstEighth, "Q5_K"},

    {"q3_k_m", kAttentionValue, kFirstTwo, "Q5_K"},
    {"q3_k_m", kAttentionValue, kAll, "Q4_K"},
    {"q3_k_m", kAttentionQkv, kFirstTwo, "Q5_K"},
    {"q3_k_m", kAttentionQkv, kAll, "Q4_K"},
    {"q3_k_m", kFfnDown, kFirstSixteenth, "Q5_K"},
    {"q3_k_m", kFfnDown, kEndsAndEveryThird, "Q4_K", kFalcon},
    {"q3_k_m", kFfnDown, kAll, "Q3_K", kFalcon},
    {"q3_k_m", kFfnDown, kAll, "Q4_K"},
    {"q3_k_m", kAttentionOutput, kAll, "Q3_K", kFalcon},
    {"q3_k_m", kAttentionOutput, kAll, "Q4_K"},

    {"iq4_xs", kAttentionValue, kAll, "Q5_K", "", true},
    {"iq4_xs", kAttentionQkv, kAll, "Q5_K", "", true},
    {"iq4_xs", kFfnDown, kFirstEighth, "Q5_K"},
};

// What stands in for types of blocks of 256.
constexpr std::pair<std::string_view, std::string_view> kStandIns[] = {
    {"Q2_K", "Q4_0"}, {"Q3_K", "Q4_0"}, {"Q4_K", "Q5_0"},
    {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}, {"IQ4_XS", "IQ4_NL"}};

const QuantType& type_named(std::string_view name) {
  const QuantType* type = find_quant_type(name);
  OVERTAKE_CHECK(type);
  return *type;
}

bool has(std::string_view name, std::string_view part) { return name.find(part) != name.npos; }

TensorRole role_of(const PlannedTensor& tensor, bool tied) {
  const std::string_view name = tensor.name;
  if (tensor.keep_f32 || !tensor.source || tensor.shape.size() < 2 || !name.ends_with(".weight") ||
      name.ends_with("_norm.weight") || has(name, "conv1d") || has(name, "ffn_gate_inp")) {
    return kFloat;
  }
  if (name == "output.weight") return kOutput;
  if (name == "token_embd.weight") return tied ? kOutput : kEmbedding;
  if (has(name, "attn_v.")) return kAttentionValue;
  if (has(name, "attn_qkv.")) return kAttentionQkv;
  if (has(name, "attn_output.")) return kAttentionOutput;
  return has(name, "ffn_down") ? kFfnDown : kOther;
}

bool shares_values(const GgufPlan& plan) {
  const auto number = [&](const char* key) -> int64_t {
    const auto found = plan.metadata().find_int(plan.arch() + key);
    return found.ok() && *found ? **found : 0;
  };
  const int64_t n_kv_heads = number(".attention.head_count_kv");
  return n_kv_heads > 0 && number(".attention.head_count") / n_kv_heads >= 4;
}

// The output computes every logit: cheap to keep fine, and Falcon's large vocabulary needs it.
const QuantType& output_type(const QuantType& base, const GgufPlan& plan, int64_t n_cols) {
  if (plan.arch() == kFalcon || n_cols % base.block != 0) return type_named("Q8_0");
  return base.name == "Q8_0" ? base : type_named("Q6_K");
}

}  // namespace

std::span<const Mix> mixes() { return kMixes; }

const Mix* find_mix(std::string_view option) {
  for (const Mix& mix : kMixes) {
    if (mix.option == option) return &mix;
  }
  return nullptr;
}

int64_t block_of(std::string_view name) {
  int64_t block = 0;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), block);
  return block;
}

std::vector<TensorPlace> tensor_places(const GgufPlan& plan) {
  bool tied = true;
  for (const PlannedTensor& tensor : plan.tensors()) tied = tied && tensor.name != "output.weight";
  // Blocks of each role in ascending order, whatever the file's order of tensors.
  std::map<TensorRole, std::map<int64_t, int64_t>> blocks;
  for (const PlannedTensor& tensor : plan.tensors()) {
    blocks[role_of(tensor, tied)].emplace(block_of(tensor.name), 0);
  }
  for (auto& [role, all] : blocks) {
    int64_t i = 0;
    for (auto& [block, place] : all) place = i++;
  }
  std::vector<TensorPlace> out;
  for (const PlannedTensor& tensor : plan.tensors()) {
    const TensorRole role = role_of(tensor, tied);
    const auto& all = blocks[role];
    out.push_back({role, all.at(block_of(tensor.name)), static_cast<int64_t>(all.size())});
  }
  return out;
}

const QuantType& fitting_type(const QuantType& type, int64_t n_cols) {
  if (n_cols % type.block == 0) return type;
  for (const auto& [name, stand_in] : kStandIns) {
    if (name == type.name) return fitting_type(type_named(stand_in), n_cols);
  }
  return type_named("F16");
}

std::vector<const QuantType*> mixed_types(const GgufPlan& plan, const Mix& mix) {
  const std::vector<TensorPlace> places = tensor_places(plan);
  const QuantType& base = type_named(mix.base_type);
  const bool shared = shares_values(plan);
  const auto ruled = [&](const TensorPlace& place) -> const QuantType& {
    for (const Rule& rule : kRules) {
      if (rule.mix == mix.option && rule.role == place.role &&
          (rule.arch.empty() || rule.arch == plan.arch()) && (shared || !rule.shared_values) &&
          contains(rule.layers, place.layer, place.n_layers)) {
        return type_named(rule.type);
      }
    }
    return base;
  };
  std::vector<const QuantType*> out;
  for (size_t i = 0; i < places.size(); ++i) {
    const int64_t n_cols = plan.tensors()[i].shape.back();
    if (places[i].role == kFloat) {
      out.push_back(&type_named("F32"));
    } else if (places[i].role == kOutput) {
      out.push_back(&fitting_type(output_type(base, plan, n_cols), n_cols));
    } else {
      out.push_back(&fitting_type(ruled(places[i]), n_cols));
    }
  }
  return out;
}

}  // namespace overtake
