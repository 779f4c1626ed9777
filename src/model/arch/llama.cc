// Llama (Touvron et al. 2023, arXiv 2302.13971 and 2307.09288; Llama 3: 2407.21783), and what has
// its architecture: Code Llama, Mistral (sliding window), Falcon 3, SmolLM2, TinyLlama, Vicuna.
// Pre-norm decoder: RMS norm, grouped-query attention with rotary positions, gated MLP.
#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "model/activation.h"
#include "model/arch.h"
#include "model/gguf_plan.h"
#include "model/limits.h"
#include "model/rope_scaling.h"
#include "model/rotary_rows.h"
#include "model/weight_loader.h"

namespace overtake {
namespace {

struct LlamaConfig {
  int64_t width = 0, n_layers = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0, ffn_width = 0;
  int64_t vocab_size = 0, context = 0, window = 0;
  float epsilon = 1e-5f;
  bool tied = false;
  Bias attention_bias = Bias::kNone, mlp_bias = Bias::kNone;
  Activation activation = Activation::kSilu;
  RopeConfig rope_config;
  Rope rope;
};

constexpr TensorName kEmbedding = {"token_embd", "model.embed_tokens"};
constexpr TensorName kAttentionNorm = {"blk.{}.attn_norm", "model.layers.{}.input_layernorm"};
constexpr TensorName kQuery = {"blk.{}.attn_q", "model.layers.{}.self_attn.q_proj"};
constexpr TensorName kKey = {"blk.{}.attn_k", "model.layers.{}.self_attn.k_proj"};
constexpr TensorName kValue = {"blk.{}.attn_v", "model.layers.{}.self_attn.v_proj"};
constexpr TensorName kOutput = {"blk.{}.attn_output", "model.layers.{}.self_attn.o_proj"};
constexpr TensorName kMlpNorm = {"blk.{}.ffn_norm", "model.layers.{}.post_attention_layernorm"};
constexpr TensorName kGate = {"blk.{}.ffn_gate", "model.layers.{}.mlp.gate_proj"};
constexpr TensorName kUp = {"blk.{}.ffn_up", "model.layers.{}.mlp.up_proj"};
constexpr TensorName kDown = {"blk.{}.ffn_down", "model.layers.{}.mlp.down_proj"};
constexpr TensorName kNorm = {"output_norm", "model.norm"};
constexpr TensorName kHead = {"output", "lm_head"};

TensorNames names_of(const Checkpoint& checkpoint) { return {checkpoint, "model.", kEmbedding}; }

Status check_heads(const LlamaConfig& c, const std::string& path) {
  if (c.n_heads % c.n_kv_heads == 0 && c.head_dim > 0 && c.head_dim % 2 == 0) return {};
  return Error{ErrorCode::kDamaged,
               fmt::format("{} heads of {} dimensions over {} kv heads do not divide; {}; the file "
                           "is damaged or not a Llama model",
                           c.n_heads, c.head_dim, c.n_kv_heads, path)};
}

Result<LlamaConfig> read_hf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const auto get = [&](std::string_view key, int64_t high) {
    return get_bounded(meta, std::span(&key, 1), high);
  };
  LlamaConfig c;
  c.width = TRY(get("hidden_size", kMaxWidth));
  c.n_layers = TRY(get("num_hidden_layers", kMaxLayers));
  c.n_heads = TRY(get("num_attention_heads", kMaxHeads));
  c.n_kv_heads =
      meta.has("num_key_value_heads") ? TRY(get("num_key_value_heads", kMaxHeads)) : c.n_heads;
  c.head_dim = meta.has("head_dim") ? TRY(get("head_dim", kMaxHeadDim)) : c.width / c.n_heads;
  c.ffn_width = TRY(get("intermediate_size", kMaxWidth));
  c.vocab_size = TRY(get("vocab_size", kMaxVocab));
  c.context =
      meta.has("max_position_embeddings") ? TRY(get("max_position_embeddings", kMaxContext)) : 2048;
  if (meta.has("sliding_window")) c.window = TRY(get("sliding_window", kMaxContext));
  c.epsilon = static_cast<float>(TRY(meta.find_double("rms_norm_eps")).value_or(1e-6));
  c.tied = TRY(meta.find_bool("tie_word_embeddings")).value_or(false);
  const auto bias = [](bool required) { return required ? Bias::kRequired : Bias::kNone; };
  c.attention_bias = bias(TRY(meta.find_bool("attention_bias")).value_or(false));
  c.mlp_bias = bias(TRY(meta.find_bool("mlp_bias")).value_or(false));
  c.activation = TRY(read_activation(meta, "hidden_act", Activation::kSilu));
  TRY(check_heads(c, checkpoint.path()));
  c.rope_config = TRY(read_hf_rope(meta, static_cast<int>(c.head_dim), c.context));
  c.rope = TRY(make_rope(c.rope_config));
  return c;
}

// Llama 3.1's rope scaling comes in a GGUF file as a tensor of divisors, and, if this program made
// the file, exactly.
Status apply_rope_divisors(const Checkpoint& checkpoint, Rope& rope) {
  if (!checkpoint.find("rope_freqs.weight")) return {};
  const int64_t shape[] = {rope.n_dims / 2};
  const auto divisors = TRY(checkpoint.get("rope_freqs.weight", shape))->to_f32();
  for (size_t j = 0; j < divisors.size(); ++j) {
    if (!(divisors[j] > 0)) {
      return Error{ErrorCode::kDamaged,
                   fmt::format("rope_freqs.weight: divisor {} is {}; {}; the file is damaged", j,
                               divisors[j], checkpoint.path())};
    }
    rope.inv_freq[j] /= divisors[j];
  }
  return {};
}

Result<LlamaConfig> read_gguf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const std::string& arch = checkpoint.model_type();
  const auto get = [&](const char* name, int64_t high) {
    return get_bounded(checkpoint, name, high);
  };
  const auto has = [&](const char* name) { return meta.has(arch + "." + name); };
  LlamaConfig c;
  c.width = TRY(get("embedding_length", kMaxWidth));
  c.n_layers = TRY(get("block_count", kMaxLayers));
  c.n_heads = TRY(get("attention.head_count", kMaxHeads));
  c.n_kv_heads =
      has("attention.head_count_kv") ? TRY(get("attention.head_count_kv", kMaxHeads)) : c.n_heads;
  c.head_dim = has("attention.key_length") ? TRY(get("attention.key_length", kMaxHeadDim))
                                           : c.width / c.n_heads;
  c.ffn_width = TRY(get("feed_forward_length", kMaxWidth));
  c.context = TRY(get("context_length", kMaxContext));
  if (has("attention.sliding_window")) c.window = TRY(get("attention.sliding_window", kMaxContext));
  const std::string epsilon = arch + ".attention.layer_norm_rms_epsilon";
  c.epsilon = static_cast<float>(TRY(meta.get_double(epsilon)));
  c.tied = checkpoint.find("output.weight") == nullptr;
  c.attention_bias = c.mlp_bias = Bias::kIfPresent;
  c.activation = TRY(read_activation(meta, kActivationKey, Activation::kSilu));
  const StoredTensor* embedding = checkpoint.find("token_embd.weight");
  c.vocab_size = embedding ? TRY(check_range("the number of rows of token_embd.weight",
                                             embedding->n_rows(), 1, kMaxVocab))
                           : 1;  // the loader reports the missing tensor
  TRY(check_heads(c, checkpoint.path()));
  const int64_t n_dims =
      has("rope.dimension_count") ? TRY(get("rope.dimension_count", c.head_dim)) : c.head_dim;
  c.rope_config = TRY(read_gguf_rope(meta, arch, static_cast<int>(n_dims), c.context));
  c.rope = TRY(make_rope(c.rope_config));
  if (!has_exact_rope(meta)) TRY(apply_rope_divisors(checkpoint, c.rope));
  return c;
}

class LlamaModel : public Model {
 public:
  Status load(const Checkpoint& checkpoint, Backend& backend) {
    const bool gguf = checkpoint.format() == CheckpointFormat::kGguf;
    config_ = TRY(gguf ? read_gguf_config(checkpoint) : read_hf_config(checkpoint));
    const LlamaConfig& c = config_;
    const TensorNames names = names_of(checkpoint);
    rotary_rows_ = gguf;
    WeightLoader loader(checkpoint, backend);
    embedding_ = TRY(loader.table(names(kEmbedding), c.vocab_size, c.width));
    for (int64_t i = 0; i < c.n_layers; ++i) layers_.push_back(TRY(load_layer(loader, names, i)));
    norm_ = TRY(loader.norm(names(kNorm), Norm::Kind::kRms, c.width, c.epsilon));
    head_ =
        TRY(loader.linear(names(c.tied ? kEmbedding : kHead), c.vocab_size, c.width, Bias::kNone));
    attention_ = {.n_heads = static_cast<int>(c.n_heads),
                  .n_kv_heads = static_cast<int>(c.n_kv_heads),
                  .head_dim = static_cast<int>(c.head_dim),
                  .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                  .rope = &config_.rope,
                  .window = c.window};
    info_.arch = "llama";
    info_.vocab_size = c.vocab_size;
    info_.width = c.width;
    info_.n_layers = static_cast<int>(c.n_layers);
    // Dynamic scaling stretches the context by its factor.
    info_.context_length = c.rope.dynamic
                               ? static_cast<int64_t>(static_cast<double>(c.context) *
                                                      std::max(1.0, c.rope.dynamic->factor))
                               : c.context;
    info_.weight_bytes = loader.packed_bytes();
    info_.length_dependent = c.rope.dynamic.has_value();
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
      const Tensor qkv = ops.linear(ops.norm(h, layer.attention_norm), layer.qkv);
      ops.linear_add(ops.attention(qkv, attention_, i), layer.output, h);
      ops.gated_mlp_add(ops.norm(h, layer.mlp_norm), layer.gate_up, layer.down, config_.activation,
                        h);
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
    Linear qkv, output, gate_up, down;
  };

  // Queries or keys with each head's rotary pairs half a head apart, as transformers has them.
  MatrixPart in_halves(std::string name, int64_t n_heads) const {
    const LlamaConfig& c = config_;
    MatrixPart part{std::move(name), n_heads * c.head_dim, {}};
    if (rotary_rows_) part.rows = halves_of_pairs(n_heads, c.head_dim, c.rope.n_dims);
    return part;
  }

  Result<Layer> load_layer(WeightLoader& loader, const TensorNames& names, int64_t i) {
    const LlamaConfig& c = config_;
    const auto norm = [&](TensorName name) {
      return loader.norm(names(name, i), Norm::Kind::kRms, c.width, c.epsilon);
    };
    const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
    Layer layer;
    layer.attention_norm = TRY(norm(kAttentionNorm));
    layer.mlp_norm = TRY(norm(kMlpNorm));
    const MatrixPart qkv[] = {in_halves(names(kQuery, i), c.n_heads),
                              in_halves(names(kKey, i), c.n_kv_heads),
                              {names(kValue, i), kv, {}}};
    layer.qkv = TRY(loader.linear(qkv, c.width, c.attention_bias));
    layer.output = TRY(loader.linear(names(kOutput, i), c.width, q, c.attention_bias));
    const MatrixPart gate_up[] = {{names(kGate, i), c.ffn_width, {}},
                                  {names(kUp, i), c.ffn_width, {}}};
    layer.gate_up = TRY(loader.linear(gate_up, c.width, c.mlp_bias));
    layer.down = TRY(loader.linear(names(kDown, i), c.width, c.ffn_width, c.mlp_bias));
    return layer;
  }

  LlamaConfig config_;
  AttentionSpec attention_;
  bool rotary_rows_ = false;  // the file has rotary pairs side by side
  const StoredTensor* embedding_ = nullptr;
  std::vector<Layer> layers_;
  Norm norm_;
  Linear head_;
};

Result<std::unique_ptr<Model>> load_llama(const Checkpoint& checkpoint, Backend& backend) {
  auto model = std::make_unique<LlamaModel>();
  TRY(model->load(checkpoint, backend));
  return std::unique_ptr<Model>(std::move(model));
}

Status set_gguf_keys(const LlamaConfig& c, GgufPlan* plan) {
  plan->set("vocab_size", c.vocab_size);
  plan->set("context_length", c.context);
  plan->set("embedding_length", c.width);
  plan->set("block_count", c.n_layers);
  plan->set("feed_forward_length", c.ffn_width);
  plan->set("attention.head_count", c.n_heads);
  plan->set("attention.head_count_kv", c.n_kv_heads);
  plan->set("attention.key_length", c.head_dim);
  plan->set("attention.value_length", c.head_dim);
  plan->set_f32("attention.layer_norm_rms_epsilon", c.epsilon);
  plan->set("rope.dimension_count", c.head_dim);
  if (c.window > 0) plan->set("attention.sliding_window", c.window);
  if (c.activation != Activation::kSilu) {
    plan->metadata().set(std::string(kActivationKey), std::string(activation_name(c.activation)));
  }
  return set_gguf_rope(c.rope_config, plan);
}

Result<GgufPlan> llama_to_gguf(const Checkpoint& checkpoint) {
  const LlamaConfig c = TRY(read_hf_config(checkpoint));
  GgufPlan plan(checkpoint, names_of(checkpoint), "llama");
  TRY(set_gguf_keys(c, &plan));
  const GgufPlan::Rows q_rows = pairs_of_halves(c.n_heads, c.head_dim);
  const GgufPlan::Rows k_rows = pairs_of_halves(c.n_kv_heads, c.head_dim);
  TRY(plan.add(kEmbedding));
  for (int64_t i = 0; i < c.n_layers; ++i) {
    TRY(plan.add(kAttentionNorm, i));
    TRY(plan.add(kQuery, i, c.attention_bias, q_rows));
    TRY(plan.add(kKey, i, c.attention_bias, k_rows));
    TRY(plan.add(kValue, i, c.attention_bias));
    TRY(plan.add(kOutput, i, c.attention_bias));
    TRY(plan.add(kMlpNorm, i));
    for (const TensorName name : {kGate, kUp, kDown}) TRY(plan.add(name, i, c.mlp_bias));
  }
  TRY(plan.add(kNorm));
  if (!c.tied) TRY(plan.add(kHead));
  return plan;
}

constexpr std::string_view kModelTypes[] = {"llama", "mistral"};

}  // namespace

OVERTAKE_ENTRY(Arch, arch_llama) = {"llama", kModelTypes, load_llama, llama_to_gguf};

}  // namespace overtake
