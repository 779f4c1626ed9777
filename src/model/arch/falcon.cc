// Falcon (Almazrouei et al. 2023, arXiv 2311.16867), the decoders of the first two generations by
// their flags: 7B (multi-query, one norm), 40B and 180B (grouped, two norms), 2-11B (grouped, one
// norm), RW (ALiBi, sequential, biases). Against Llama: layer norms with bias, attention and MLP
// side by side on one residual, plain GELU MLP, fused query_key_value in three row orders.
#include <fmt/core.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/log.h"
#include "model/activation.h"
#include "model/arch.h"
#include "model/gguf_plan.h"
#include "model/limits.h"
#include "model/rope_scaling.h"
#include "model/weight_loader.h"

namespace overtake {
namespace {

struct FalconConfig {
  int64_t width = 0, n_layers = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0, ffn_width = 0;
  int64_t vocab_size = 0, context = 0;
  float epsilon = 1e-5f;
  bool parallel = true;     // attention and MLP both read the layer's input
  bool two_norms = false;   // ... each through a norm of its own
  bool row_groups = false;  // query_key_value's rows: per kv head its queries, its key, its value
  bool alibi = false;
  bool alibi_twice = false;  // see read_alibi
  bool tied = true;
  Bias bias = Bias::kNone;
  Activation activation = Activation::kGelu;
  RopeConfig rope_config;
  Rope rope;
};

constexpr TensorName kEmbedding = {"token_embd", "transformer.word_embeddings"};
constexpr TensorName kLayerNorm = {"blk.{}.attn_norm", "transformer.h.{}.input_layernorm"};
// Where there are two norms, GGUF's attn_norm is the MLP's, and attn_norm_2 the attention's.
constexpr TensorName kAttentionNorm = {"blk.{}.attn_norm_2", "transformer.h.{}.ln_attn"};
constexpr TensorName kMlpNorm = {"blk.{}.attn_norm", "transformer.h.{}.ln_mlp"};
constexpr TensorName kSecondNorm = {"blk.{}.ffn_norm", "transformer.h.{}.post_attention_layernorm"};
constexpr TensorName kQkv = {"blk.{}.attn_qkv", "transformer.h.{}.self_attention.query_key_value"};
constexpr TensorName kOutput = {"blk.{}.attn_output", "transformer.h.{}.self_attention.dense"};
constexpr TensorName kUp = {"blk.{}.ffn_up", "transformer.h.{}.mlp.dense_h_to_4h"};
constexpr TensorName kDown = {"blk.{}.ffn_down", "transformer.h.{}.mlp.dense_4h_to_h"};
constexpr TensorName kNorm = {"output_norm", "transformer.ln_f"};
constexpr TensorName kHead = {"output", "lm_head"};

TensorNames names_of(const Checkpoint& checkpoint) {
  return {checkpoint, "transformer.", kEmbedding};
}

// Keys of this program's own: what no GGUF key says, as llama.cpp knows no such Falcon (Falcon-RW).
constexpr std::string_view kAlibiKey = "overtake.alibi";
constexpr std::string_view kAlibiTwiceKey = "overtake.alibi_in_mask";
constexpr std::string_view kSequentialKey = "overtake.sequential";

Status check_heads(const FalconConfig& c, const std::string& path) {
  if (c.width == c.n_heads * c.head_dim && c.head_dim % 2 == 0 && c.n_heads % c.n_kv_heads == 0) {
    return {};
  }
  return Error{ErrorCode::kDamaged,
               fmt::format("{} heads over {} kv heads do not divide a width of {}; {}; the file is "
                           "damaged or not a Falcon model",
                           c.n_heads, c.n_kv_heads, c.width, path)};
}

// transformers' eager attention has added the ALiBi bias twice since 4.45: to the scores, and once
// more in the mask. The published Falcon-RW checkpoints (written by older versions) were trained
// with it once; one that a newer version wrote is read as that version computes it eagerly. The key
// `alibi_in_mask` of config.json says otherwise, either way.
Status read_alibi(const Metadata& meta, FalconConfig& c) {
  c.alibi = TRY(meta.find_bool("alibi")).value_or(false);
  if (!c.alibi) return {};
  const std::string version = TRY(meta.find_string("transformers_version")).value_or("");
  int major = 0, minor = 0;
  std::sscanf(version.c_str(), "%d.%d", &major, &minor);
  const bool newer = major > 4 || (major == 4 && minor >= 45);
  c.alibi_twice = TRY(meta.find_bool("alibi_in_mask")).value_or(newer);
  if (c.alibi_twice && !meta.has("alibi_in_mask")) {
    log(LogLevel::kWarning,
        fmt::format(
            "ALiBi counts twice, as eager attention of transformers {} has it; config.json; "
            "if the model was trained with it once, add \"alibi_in_mask\": false",
            version));
  }
  return {};
}

// The flags of config.json, with the defaults of transformers' FalconConfig and the names that the
// first releases used (n_head_kv).
Status read_hf_flags(const Metadata& meta, FalconConfig& c) {
  const auto flag = [&](std::string_view key, bool otherwise) -> Result<bool> {
    return TRY(meta.find_bool(key)).value_or(otherwise);
  };
  if (TRY(flag("apply_residual_connection_post_layernorm", false))) {
    return Error{ErrorCode::kUnsupported,
                 "apply_residual_connection_post_layernorm is set; config.json; no published "
                 "Falcon has it"};
  }
  const bool grouped = TRY(flag("new_decoder_architecture", false)) || meta.has("n_head_kv");
  const bool multi_query = TRY(flag("multi_query", true));
  c.parallel = grouped || TRY(flag("parallel_attn", true));
  c.two_norms = grouped && TRY(meta.find_int("num_ln_in_parallel_attn")).value_or(2) == 2;
  c.row_groups = grouped || !multi_query;
  TRY(read_alibi(meta, c));
  c.bias = TRY(flag("bias", false)) ? Bias::kRequired : Bias::kNone;
  c.tied = TRY(flag("tie_word_embeddings", true));
  constexpr std::string_view kv_keys[] = {"num_kv_heads", "n_head_kv"};
  c.n_kv_heads = c.n_heads;
  if (grouped && (meta.has(kv_keys[0]) || meta.has(kv_keys[1]))) {
    c.n_kv_heads = TRY(get_bounded(meta, kv_keys, kMaxHeads));
  } else if (!grouped && multi_query) {
    c.n_kv_heads = 1;
  }
  return {};
}

Result<FalconConfig> read_hf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const auto get = [&](std::initializer_list<std::string_view> keys, int64_t high) {
    return get_bounded(meta, std::span(keys.begin(), keys.size()), high);
  };
  FalconConfig c;
  c.width = TRY(get({"hidden_size", "n_embed"}, kMaxWidth));
  c.n_layers = TRY(get({"num_hidden_layers", "n_layer"}, kMaxLayers));
  c.n_heads = TRY(get({"num_attention_heads", "n_head"}, kMaxHeads));
  c.head_dim = c.width / c.n_heads;
  c.vocab_size = TRY(get({"vocab_size"}, kMaxVocab));
  c.ffn_width =
      meta.has("ffn_hidden_size") ? TRY(get({"ffn_hidden_size"}, 8 * kMaxWidth)) : 4 * c.width;
  c.context = meta.has("max_position_embeddings")
                  ? TRY(get({"max_position_embeddings"}, kMaxContext))
                  : 2048;
  c.epsilon = static_cast<float>(TRY(meta.find_double("layer_norm_epsilon")).value_or(1e-5));
  c.activation = TRY(read_activation(meta, "activation", Activation::kGelu));
  TRY(read_hf_flags(meta, c));
  TRY(check_heads(c, checkpoint.path()));
  c.rope_config = TRY(read_hf_rope(meta, static_cast<int>(c.head_dim), c.context));
  c.rope = TRY(make_rope(c.rope_config));
  return c;
}

// GGUF files have query_key_value sorted as queries, keys, values. Those of others are rotary
// Falcons.
Result<FalconConfig> read_gguf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const std::string& arch = checkpoint.model_type();
  const auto get = [&](const char* name, int64_t high) {
    return get_bounded(checkpoint, name, high);
  };
  FalconConfig c;
  c.width = TRY(get("embedding_length", kMaxWidth));
  c.n_layers = TRY(get("block_count", kMaxLayers));
  c.n_heads = TRY(get("attention.head_count", kMaxHeads));
  c.n_kv_heads = meta.has(arch + ".attention.head_count_kv")
                     ? TRY(get("attention.head_count_kv", kMaxHeads))
                     : 1;
  c.head_dim = c.width / c.n_heads;
  c.ffn_width = TRY(get("feed_forward_length", 8 * kMaxWidth));
  c.context = TRY(get("context_length", kMaxContext));
  c.epsilon = static_cast<float>(TRY(meta.get_double(arch + ".attention.layer_norm_epsilon")));
  c.tied = checkpoint.find("output.weight") == nullptr;
  c.two_norms = checkpoint.find("blk.0.attn_norm_2.weight") != nullptr;
  c.bias = Bias::kIfPresent;
  c.activation = TRY(read_activation(meta, kActivationKey, Activation::kGelu));
  c.parallel = !TRY(meta.find_bool(kSequentialKey)).value_or(false);
  c.alibi = TRY(meta.find_bool(kAlibiKey)).value_or(false);
  c.alibi_twice = TRY(meta.find_bool(kAlibiTwiceKey)).value_or(false);
  const StoredTensor* embedding = checkpoint.find("token_embd.weight");
  c.vocab_size = embedding ? TRY(check_range("the number of rows of token_embd.weight",
                                             embedding->n_rows(), 1, kMaxVocab))
                           : 1;  // the loader reports the missing tensor
  TRY(check_heads(c, checkpoint.path()));
  c.rope_config = TRY(read_gguf_rope(meta, arch, static_cast<int>(c.head_dim), c.context));
  c.rope = TRY(make_rope(c.rope_config));
  return c;
}

float to_bf16(float value) {  // rounds to nearest even; value is finite
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u);
}

// ALiBi (Press et al. 2022) as Falcon-RW was trained: slope times position, both and their product
// in bf16, added to q . k before the scale. Result [n_heads, context], already scaled.
std::vector<float> alibi_table(const FalconConfig& c, float scale) {
  if (c.alibi_twice) scale *= 2;
  const int64_t power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(c.n_heads)));
  const auto base = [](int64_t heads) {
    return std::exp2(-std::exp2(-(std::log2(static_cast<double>(heads)) - 3)));
  };
  std::vector<float> table(static_cast<size_t>(c.n_heads * c.context));
  for (int64_t head = 0; head < c.n_heads; ++head) {
    const double slope =
        head < power ? std::pow(base(power), static_cast<double>(head + 1))
                     : std::pow(base(2 * power), static_cast<double>(2 * (head - power) + 1));
    const float rounded = to_bf16(static_cast<float>(slope));
    for (int64_t p = 0; p < c.context; ++p) {
      table[head * c.context + p] = to_bf16(rounded * to_bf16(static_cast<float>(p))) * scale;
    }
  }
  return table;
}

// The rows of query_key_value sorted: all queries, all keys, all values.
std::vector<MatrixPart::Rows> sorted_rows(const FalconConfig& c) {
  std::vector<MatrixPart::Rows> rows;
  if (!c.row_groups) return rows;
  const int64_t queries = c.n_heads / c.n_kv_heads;
  const int64_t group_rows = (queries + 2) * c.head_dim;
  for (int64_t g = 0; g < c.n_kv_heads; ++g) {
    rows.push_back({g * group_rows, queries * c.head_dim});
  }
  for (const int64_t place : {queries, queries + 1}) {
    for (int64_t g = 0; g < c.n_kv_heads; ++g) {
      rows.push_back({g * group_rows + place * c.head_dim, c.head_dim});
    }
  }
  return rows;
}

class FalconModel : public Model {
 public:
  Status load(const Checkpoint& checkpoint, Backend& backend) {
    const bool gguf = checkpoint.format() == CheckpointFormat::kGguf;
    config_ = TRY(gguf ? read_gguf_config(checkpoint) : read_hf_config(checkpoint));
    const FalconConfig& c = config_;
    const TensorNames names = names_of(checkpoint);
    WeightLoader loader(checkpoint, backend);
    embedding_ = TRY(loader.table(names(kEmbedding), c.vocab_size, c.width));
    for (int64_t i = 0; i < c.n_layers; ++i) layers_.push_back(TRY(load_layer(loader, names, i)));
    norm_ = TRY(loader.norm(names(kNorm), Norm::Kind::kLayer, c.width, c.epsilon));
    head_ =
        TRY(loader.linear(names(c.tied ? kEmbedding : kHead), c.vocab_size, c.width, Bias::kNone));
    TRY(set_attention());
    info_.arch = "falcon";
    info_.vocab_size = c.vocab_size;
    info_.width = c.width;
    info_.n_layers = static_cast<int>(c.n_layers);
    info_.context_length = c.context;
    if (c.alibi) info_.max_positions = c.context;
    info_.weight_bytes = loader.packed_bytes();
    info_.length_dependent = !c.alibi && c.rope.dynamic.has_value();
    info_.kv_shape = {.n_layers = info_.n_layers,
                      .n_kv_heads = static_cast<int>(c.n_kv_heads),
                      .head_dim = static_cast<int>(c.head_dim),
                      .type = loader.all_f32() ? KvType::kF32 : KvType::kF16};
    return {};
  }

  Tensor forward(const Batch& batch, Ops& ops) const override {
    ops.begin(batch);
    const Tensor h = ops.embed(*embedding_, 1.0f);
    ops.observe_hidden(0, h);
    for (int i = 0; i < info_.n_layers; ++i) {
      const Layer& layer = layers_[i];
      const size_t mark = ops.mark();
      const Tensor x = ops.norm(h, layer.attention_norm);
      // Before the attention's result is added: a parallel MLP reads the layer's input.
      Tensor mlp_input = config_.two_norms ? ops.norm(h, layer.mlp_norm) : x;
      const Tensor attended = ops.attention(ops.linear(x, layer.qkv), attention_, i);
      ops.linear_add(attended, layer.output, h);
      if (!config_.parallel) mlp_input = ops.norm(h, layer.mlp_norm);
      ops.mlp_add(mlp_input, layer.up, layer.down, config_.activation, h);
      ops.release(mark);
      if (i + 1 < info_.n_layers) ops.observe_hidden(i + 1, h);
    }
    ops.pool_rows(h, norm_);
    const Tensor last = ops.norm(ops.take_logit_rows(h), norm_);
    ops.observe_hidden(info_.n_layers, last);
    return ops.linear(last, head_);
  }

 private:
  struct Layer {
    Norm attention_norm, mlp_norm;
    Linear qkv, output, up, down;
  };

  Status set_attention() {
    const FalconConfig& c = config_;
    attention_ = {.n_heads = static_cast<int>(c.n_heads),
                  .n_kv_heads = static_cast<int>(c.n_kv_heads),
                  .head_dim = static_cast<int>(c.head_dim),
                  .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                  .rope = c.alibi ? nullptr : &config_.rope};
    if (!c.alibi) return {};
    constexpr int64_t kMaxTable = 1 << 28;  // floats; Falcon-RW has 2^17
    if (c.n_heads * c.context > kMaxTable) {
      return Error{ErrorCode::kDamaged,
                   fmt::format("ALiBi over {} heads and {} positions; config.json; a context this "
                               "long was not trained, correct max_position_embeddings",
                               c.n_heads, c.context)};
    }
    alibi_ = alibi_table(c, attention_.scale);
    attention_.key_bias = alibi_.data();
    attention_.key_bias_stride = c.context;
    return {};
  }

  Result<Layer> load_layer(WeightLoader& loader, const TensorNames& names, int64_t i) {
    const FalconConfig& c = config_;
    const auto norm = [&](TensorName name) {
      return loader.norm(names(name, i), Norm::Kind::kLayer, c.width, c.epsilon);
    };
    Layer layer;
    layer.attention_norm = TRY(norm(c.two_norms ? kAttentionNorm : kLayerNorm));
    if (c.two_norms) layer.mlp_norm = TRY(norm(kMlpNorm));
    if (!c.parallel) layer.mlp_norm = TRY(norm(kSecondNorm));
    const MatrixPart qkv{names(kQkv, i), (c.n_heads + 2 * c.n_kv_heads) * c.head_dim,
                         sorted_rows(c)};
    layer.qkv = TRY(loader.linear(std::span(&qkv, 1), c.width, c.bias));
    layer.output = TRY(loader.linear(names(kOutput, i), c.width, c.width, c.bias));
    layer.up = TRY(loader.linear(names(kUp, i), c.ffn_width, c.width, c.bias));
    layer.down = TRY(loader.linear(names(kDown, i), c.width, c.ffn_width, c.bias));
    return layer;
  }

  FalconConfig config_;
  AttentionSpec attention_;
  std::vector<float> alibi_;
  const StoredTensor* embedding_ = nullptr;
  std::vector<Layer> layers_;
  Norm norm_;
  Linear head_;
};

Result<std::unique_ptr<Model>> load_falcon(const Checkpoint& checkpoint, Backend& backend) {
  auto model = std::make_unique<FalconModel>();
  TRY(model->load(checkpoint, backend));
  return std::unique_ptr<Model>(std::move(model));
}

Status set_gguf_keys(const FalconConfig& c, GgufPlan* plan) {
  plan->set("vocab_size", c.vocab_size);
  plan->set("tensor_data_layout", std::string("jploski"));  // query_key_value is sorted
  plan->set("context_length", c.context);
  plan->set("embedding_length", c.width);
  plan->set("block_count", c.n_layers);
  plan->set("feed_forward_length", c.ffn_width);
  plan->set("attention.head_count", c.n_heads);
  plan->set("attention.head_count_kv", c.n_kv_heads);
  plan->set_f32("attention.layer_norm_epsilon", c.epsilon);
  Metadata& own = plan->metadata();
  if (c.activation != Activation::kGelu) {
    own.set(std::string(kActivationKey), std::string(activation_name(c.activation)));
  }
  if (!c.parallel) own.set(std::string(kSequentialKey), true);
  if (!c.alibi) return set_gguf_rope(c.rope_config, plan);
  own.set(std::string(kAlibiKey), true);
  own.set(std::string(kAlibiTwiceKey), c.alibi_twice);
  return {};
}

Result<GgufPlan> falcon_to_gguf(const Checkpoint& checkpoint) {
  const FalconConfig c = TRY(read_hf_config(checkpoint));
  GgufPlan plan(checkpoint, names_of(checkpoint), "falcon");
  TRY(set_gguf_keys(c, &plan));
  TRY(plan.add(kEmbedding));
  for (int64_t i = 0; i < c.n_layers; ++i) {
    constexpr Bias kNormBias = Bias::kRequired;
    TRY(plan.add(c.two_norms ? kAttentionNorm : kLayerNorm, i, kNormBias));
    if (c.two_norms) TRY(plan.add(kMlpNorm, i, kNormBias));
    if (!c.parallel) TRY(plan.add(kSecondNorm, i, kNormBias));
    TRY(plan.add(kQkv, i, c.bias, sorted_rows(c)));
    for (const TensorName name : {kOutput, kUp, kDown}) TRY(plan.add(name, i, c.bias));
  }
  TRY(plan.add(kNorm, 0, Bias::kRequired));
  if (!c.tied) TRY(plan.add(kHead));
  return plan;
}

// RefinedWeb...: what the first releases called themselves.
constexpr std::string_view kModelTypes[] = {"falcon", "RefinedWeb", "RefinedWebModel"};

}  // namespace

OVERTAKE_ENTRY(Arch, arch_falcon) = {"falcon", kModelTypes, load_falcon, falcon_to_gguf};

}  // namespace overtake
