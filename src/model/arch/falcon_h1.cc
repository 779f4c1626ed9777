// Falcon-H1 (Zuo et al. 2025, arXiv 2507.22448): in every block attention and Mamba-2's state space
// (Dao and Gu 2024, arXiv 2405.21060) side by side on one norm, then a gated MLP. Against Llama:
// the state space beside attention, and constant multipliers (maximal update parametrization) on
// embedding, keys, branches, MLP and logits, which GGUF files have multiplied into the weights.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "model/arch.h"
#include "model/gguf_plan.h"
#include "model/limits.h"
#include "model/rope_scaling.h"
#include "model/state_space.h"
#include "model/tensor_names.h"
#include "model/weight_loader.h"

namespace overtake {
namespace {

struct Multipliers {
  double embedding = 1, head = 1, key = 1, attention_in = 1, attention_out = 1, ssm_in = 1,
         ssm_out = 1;
  std::array<double, 5> ssm = {1, 1, 1, 1, 1};  // of the gate, x, B, C, the time step
  std::array<double, 2> mlp = {1, 1};           // of gate and down
};

struct H1Config {
  int64_t width = 0, n_layers = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0, ffn_width = 0;
  int64_t vocab_size = 0, context = 0;
  int64_t ssm_heads = 0, ssm_head_dim = 0, n_groups = 0, d_state = 0, n_taps = 0;
  float epsilon = 1e-5f;
  float step_low = 0, step_high = std::numeric_limits<float>::infinity();
  bool tied = false;
  bool ssm_norm = false, norm_before_gate = true;
  Bias attention_bias = Bias::kNone, mlp_bias = Bias::kNone, in_bias = Bias::kNone,
       out_bias = Bias::kNone, conv_bias = Bias::kNone;
  Multipliers multipliers;
  RopeConfig rope_config;
  Rope rope;

  int64_t ssm_width() const { return ssm_heads * ssm_head_dim; }
  int64_t conv_width() const { return ssm_width() + 2 * n_groups * d_state; }
};

constexpr TensorName kEmbedding = {"token_embd", "model.embed_tokens"};
constexpr TensorName kNorm = {"blk.{}.attn_norm", "model.layers.{}.input_layernorm"};
constexpr TensorName kQuery = {"blk.{}.attn_q", "model.layers.{}.self_attn.q_proj"};
constexpr TensorName kKey = {"blk.{}.attn_k", "model.layers.{}.self_attn.k_proj"};
constexpr TensorName kValue = {"blk.{}.attn_v", "model.layers.{}.self_attn.v_proj"};
constexpr TensorName kOutput = {"blk.{}.attn_output", "model.layers.{}.self_attn.o_proj"};
constexpr TensorName kIn = {"blk.{}.ssm_in", "model.layers.{}.mamba.in_proj"};
constexpr TensorName kConv = {"blk.{}.ssm_conv1d", "model.layers.{}.mamba.conv1d"};
constexpr TensorName kStepBias = {"blk.{}.ssm_dt.bias",
                                  "model.layers.{}.mamba.dt_bias"};  // whole names
constexpr TensorName kDecay = {"blk.{}.ssm_a", "model.layers.{}.mamba.A_log"};
constexpr TensorName kSkip = {"blk.{}.ssm_d", "model.layers.{}.mamba.D"};
constexpr TensorName kSsmNorm = {"blk.{}.ssm_norm.weight", "model.layers.{}.mamba.norm.weight"};
constexpr TensorName kOut = {"blk.{}.ssm_out", "model.layers.{}.mamba.out_proj"};
constexpr TensorName kMlpNorm = {"blk.{}.ffn_norm", "model.layers.{}.pre_ff_layernorm"};
constexpr TensorName kGate = {"blk.{}.ffn_gate", "model.layers.{}.feed_forward.gate_proj"};
constexpr TensorName kUp = {"blk.{}.ffn_up", "model.layers.{}.feed_forward.up_proj"};
constexpr TensorName kDown = {"blk.{}.ffn_down", "model.layers.{}.feed_forward.down_proj"};
constexpr TensorName kFinalNorm = {"output_norm", "model.final_layernorm"};
constexpr TensorName kHead = {"output", "lm_head"};

Status check_shape(const H1Config& c, const std::string& path) {
  if (c.n_heads % c.n_kv_heads == 0 && c.head_dim > 0 && c.head_dim % 2 == 0 &&
      c.ssm_heads % c.n_groups == 0) {
    return {};
  }
  return Error{ErrorCode::kDamaged,
               fmt::format("{} heads of {} dimensions over {} kv heads, {} state space heads in {} "
                           "groups do not divide; {}; the file is damaged or not a Falcon-H1 model",
                           c.n_heads, c.head_dim, c.n_kv_heads, c.ssm_heads, c.n_groups, path)};
}

// `count` finite numbers at `key`; `out` stays where the key is absent.
Status read_numbers(const Metadata& meta, const std::string& key, std::span<double> out) {
  const auto values = TRY(meta.find_doubles(key));
  if (!values) return {};
  bool finite = values->size() == out.size();
  for (const double value : *values) finite = finite && std::isfinite(value);
  if (!finite) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("{} is not a list of {} numbers; config.json; the file is damaged",
                             key, out.size())};
  }
  std::copy(values->begin(), values->end(), out.begin());
  return {};
}

Result<Multipliers> read_multipliers(const Metadata& meta) {
  Multipliers m;
  const std::pair<const char*, double*> numbers[] = {{"embedding_multiplier", &m.embedding},
                                                     {"lm_head_multiplier", &m.head},
                                                     {"key_multiplier", &m.key},
                                                     {"attention_in_multiplier", &m.attention_in},
                                                     {"attention_out_multiplier", &m.attention_out},
                                                     {"ssm_in_multiplier", &m.ssm_in},
                                                     {"ssm_out_multiplier", &m.ssm_out}};
  for (const auto& [key, value] : numbers) TRY(read_numbers(meta, key, std::span(value, 1)));
  TRY(read_numbers(meta, "ssm_multipliers", m.ssm));
  TRY(read_numbers(meta, "mlp_multipliers", m.mlp));
  return m;
}

// [low, high]; an infinite high stands as {"__float__": "Infinity"}, which makes the list one of
// keys: JSON has no such number.
Status read_step_limit(const Metadata& meta, const std::string& key, H1Config& c) {
  std::array<double, 2> limit = {0, std::numeric_limits<double>::infinity()};
  if (meta.has(key + ".0")) {
    limit[0] = TRY(meta.get_double(key + ".0"));
    if (meta.has(key + ".1")) limit[1] = TRY(meta.get_double(key + ".1"));
  } else {
    TRY(read_numbers(meta, key, limit));
  }
  if (!(limit[0] >= 0 && limit[0] <= limit[1])) {
    return Error{
        ErrorCode::kDamaged,
        fmt::format("{} is {} to {}; config.json; the file is damaged", key, limit[0], limit[1])};
  }
  c.step_low = static_cast<float>(limit[0]);
  c.step_high = static_cast<float>(limit[1]);
  return {};
}

// The flags of config.json, with the defaults of transformers' FalconH1Config.
Status read_hf_flags(const Metadata& meta, H1Config& c) {
  const auto flag = [&](std::string_view key, bool otherwise) -> Result<bool> {
    return TRY(meta.find_bool(key)).value_or(otherwise);
  };
  const auto bias = [&](std::string_view key, bool otherwise) -> Result<Bias> {
    return TRY(flag(key, otherwise)) ? Bias::kRequired : Bias::kNone;
  };
  c.tied = TRY(flag("tie_word_embeddings", false));
  c.ssm_norm = TRY(flag("mamba_rms_norm", false));
  c.norm_before_gate = TRY(flag("mamba_norm_before_gate", true));
  c.attention_bias = TRY(bias("attention_bias", false));
  c.mlp_bias = TRY(bias("mlp_bias", false));
  c.in_bias = TRY(bias("mamba_proj_bias", false));
  c.out_bias = TRY(bias("projectors_bias", false));
  c.conv_bias = TRY(bias("mamba_conv_bias", true));
  const std::string activation = TRY(meta.find_string("hidden_act")).value_or("silu");
  if (activation == "silu" || activation == "swish") return {};
  return Error{
      ErrorCode::kUnsupported,
      fmt::format("hidden_act \"{}\" is not known; config.json; known is silu", activation)};
}

// ... and its sizes.
Result<H1Config> read_hf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const auto get = [&](std::string_view key, int64_t high, int64_t otherwise) -> Result<int64_t> {
    if (!meta.has(key)) return otherwise;
    return get_bounded(meta, std::span(&key, 1), high);
  };
  H1Config c;
  c.width = TRY(get("hidden_size", kMaxWidth, 4096));
  c.n_layers = TRY(get("num_hidden_layers", kMaxLayers, 32));
  c.n_heads = TRY(get("num_attention_heads", kMaxHeads, 32));
  c.n_kv_heads = TRY(get("num_key_value_heads", kMaxHeads, c.n_heads));
  c.head_dim = TRY(get("head_dim", kMaxHeadDim, c.width / c.n_heads));
  c.ffn_width = TRY(get("intermediate_size", kMaxWidth, 14336));
  c.vocab_size = TRY(get("vocab_size", kMaxVocab, 128000));
  c.context = TRY(get("max_position_embeddings", kMaxContext, 8192));
  // null means mamba_expand times the width, an absent key 1024; both are absent here, so that the
  // tensor decides.
  const TensorNames names(checkpoint, "model.", kEmbedding);
  const StoredTensor* out = checkpoint.find(names(kOut) + ".weight");
  const int64_t ssm_width = TRY(get("mamba_d_ssm", kMaxWidth, out ? out->n_cols() : 1024));
  c.ssm_heads = TRY(get("mamba_n_heads", kMaxHeads, 128));
  const bool automatic = !meta.has("mamba_d_head") || meta.find_string("mamba_d_head").ok();
  c.ssm_head_dim = automatic ? ssm_width / c.ssm_heads : TRY(get("mamba_d_head", kMaxWidth, 0));
  TRY(check_range("mamba_d_ssm", ssm_width, 1, kMaxWidth));
  TRY(check_range("mamba_d_ssm - mamba_n_heads * mamba_d_head", ssm_width - c.ssm_width(), 0, 0));
  c.n_groups = TRY(get("mamba_n_groups", kMaxHeads, 1));
  c.d_state = TRY(get("mamba_d_state", kMaxStateDim, 256));
  c.n_taps = TRY(get("mamba_d_conv", kMaxConvTaps, 4));
  c.epsilon = static_cast<float>(TRY(meta.find_double("rms_norm_eps")).value_or(1e-5));
  TRY(read_hf_flags(meta, c));
  c.multipliers = TRY(read_multipliers(meta));
  TRY(read_step_limit(meta, "time_step_limit", c));
  TRY(check_shape(c, checkpoint.path()));
  c.rope_config = TRY(read_hf_rope(meta, static_cast<int>(c.head_dim), c.context));
  c.rope = TRY(make_rope(c.rope_config));
  return c;
}

// The multipliers are in the weights. The norm of the state space, where there is one, comes after
// the gate unless the file says otherwise.
Result<H1Config> read_gguf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const std::string& arch = checkpoint.model_type();
  const auto get = [&](const char* name, int64_t high) {
    return get_bounded(checkpoint, name, high);
  };
  H1Config c;
  c.width = TRY(get("embedding_length", kMaxWidth));
  c.n_layers = TRY(get("block_count", kMaxLayers));
  c.n_heads = TRY(get("attention.head_count", kMaxHeads));
  c.n_kv_heads = TRY(get("attention.head_count_kv", kMaxHeads));
  c.head_dim = meta.has(arch + ".attention.key_length")
                   ? TRY(get("attention.key_length", kMaxHeadDim))
                   : c.width / c.n_heads;
  c.ffn_width = TRY(get("feed_forward_length", kMaxWidth));
  c.context = TRY(get("context_length", kMaxContext));
  c.ssm_heads = TRY(get("ssm.time_step_rank", kMaxHeads));
  const int64_t ssm_width = TRY(get("ssm.inner_size", kMaxWidth));
  c.ssm_head_dim = ssm_width / c.ssm_heads;
  TRY(check_range("the rest of ssm.inner_size over ssm.time_step_rank", ssm_width % c.ssm_heads, 0,
                  0));
  c.n_groups = TRY(get("ssm.group_count", kMaxHeads));
  c.d_state = TRY(get("ssm.state_size", kMaxStateDim));
  c.n_taps = TRY(get("ssm.conv_kernel", kMaxConvTaps));
  c.epsilon = static_cast<float>(TRY(meta.get_double(arch + ".attention.layer_norm_rms_epsilon")));
  c.tied = checkpoint.find("output.weight") == nullptr;
  c.ssm_norm = checkpoint.find("blk.0.ssm_norm.weight") != nullptr;
  c.norm_before_gate = TRY(meta.find_bool(arch + ".ssm.norm_before_gate")).value_or(false);
  c.attention_bias = c.mlp_bias = c.in_bias = c.out_bias = c.conv_bias = Bias::kIfPresent;
  const StoredTensor* embedding = checkpoint.find("token_embd.weight");
  c.vocab_size = embedding ? TRY(check_range("the number of rows of token_embd.weight",
                                             embedding->n_rows(), 1, kMaxVocab))
                           : 1;  // the loader reports the missing tensor
  TRY(read_step_limit(meta, arch + ".ssm.time_step_limit", c));
  TRY(check_shape(c, checkpoint.path()));
  c.rope_config = TRY(read_gguf_rope(meta, arch, static_cast<int>(c.head_dim), c.context));
  c.rope = TRY(make_rope(c.rope_config));
  return c;
}

// `count` outputs whose product with the weights is multiplied by `of_product`, and everything,
// the bias too, by `of_all`.
struct ScaledRows {
  int64_t count;
  double of_product;
  double of_all;
};

void scale_rows(std::initializer_list<ScaledRows> parts, Linear& linear) {
  bool all_one = true;
  for (const ScaledRows& part : parts) all_one = all_one && part.of_product * part.of_all == 1;
  size_t at = 0;
  for (const ScaledRows& part : parts) {
    const double factor = part.of_product * part.of_all;
    if (!all_one) linear.scale.insert(linear.scale.end(), part.count, static_cast<float>(factor));
    for (int64_t i = 0; i < part.count && !linear.bias.empty(); ++i, ++at) {
      linear.bias[at] *= static_cast<float>(part.of_all);
    }
  }
}

class FalconH1Model : public Model {
 public:
  Status load(const Checkpoint& checkpoint, Backend& backend) {
    const bool gguf = checkpoint.format() == CheckpointFormat::kGguf;
    config_ = TRY(gguf ? read_gguf_config(checkpoint) : read_hf_config(checkpoint));
    const H1Config& c = config_;
    const TensorNames names(checkpoint, "model.", kEmbedding);
    WeightLoader loader(checkpoint, backend);
    embedding_ = TRY(loader.table(names(kEmbedding), c.vocab_size, c.width));
    for (int64_t i = 0; i < c.n_layers; ++i) {
      layers_.push_back(TRY(load_layer({loader, checkpoint, names, i})));
    }
    norm_ = TRY(loader.norm(names(kFinalNorm), Norm::Kind::kRms, c.width, c.epsilon));
    head_ =
        TRY(loader.linear(names(c.tied ? kEmbedding : kHead), c.vocab_size, c.width, Bias::kNone));
    scale_rows({{c.vocab_size, 1, c.multipliers.head}}, head_);
    attention_ = {.n_heads = static_cast<int>(c.n_heads),
                  .n_kv_heads = static_cast<int>(c.n_kv_heads),
                  .head_dim = static_cast<int>(c.head_dim),
                  .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                  .rope = &config_.rope};
    return set_info(loader);
  }

  Tensor forward(const Batch& batch, Ops& ops) const override {
    ops.begin(batch);
    const Tensor h = ops.embed(*embedding_, static_cast<float>(config_.multipliers.embedding));
    ops.observe_hidden(0, h);
    for (int i = 0; i < info_.n_layers; ++i) {
      const Layer& layer = layers_[i];
      const size_t mark = ops.mark();
      const Tensor x = ops.norm(h, layer.norm);
      ops.linear_add(ops.attention(ops.linear(x, layer.qkv), attention_, i), layer.output, h);
      ops.linear_add(mix(x, i, ops), layer.out, h);
      ops.gated_mlp_add(ops.norm(h, layer.mlp_norm), layer.gate_up, layer.down, Activation::kSilu,
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
    Norm norm, mlp_norm;
    Linear qkv, output, in, out, gate_up, down;
    CausalConv conv;
    SelectiveScan scan;
    GatedNorm ssm_norm;
  };

  // The state space, up to its output projection.
  Tensor mix(Tensor x, int i, Ops& ops) const {
    const H1Config& c = config_;
    const Layer& layer = layers_[i];
    const int64_t width = c.ssm_width(), states = c.n_groups * c.d_state;
    const Tensor in = ops.linear(x, layer.in);
    const Tensor gate = in.columns(0, width);
    const Tensor mixed = ops.causal_conv(in.columns(width, c.conv_width()), layer.conv, i);
    const ScanInput input = {.x = mixed.columns(0, width),
                             .dt = in.columns(width + c.conv_width(), c.ssm_heads),
                             .b = mixed.columns(width, states),
                             .c = mixed.columns(width + states, states),
                             .gate = c.ssm_norm ? Tensor{} : gate};
    const Tensor y = ops.selective_scan(input, layer.scan, i);
    return c.ssm_norm ? ops.gated_norm(y, gate, layer.ssm_norm) : y;
  }

  Status set_info(const WeightLoader& loader) {
    const H1Config& c = config_;
    info_.arch = "falcon_h1";
    info_.vocab_size = c.vocab_size;
    info_.width = c.width;
    info_.n_layers = static_cast<int>(c.n_layers);
    info_.context_length = c.context;
    info_.weight_bytes = loader.packed_bytes();
    info_.length_dependent = c.rope.dynamic.has_value();
    info_.kv_shape = {.n_layers = info_.n_layers,
                      .n_kv_heads = static_cast<int>(c.n_kv_heads),
                      .head_dim = static_cast<int>(c.head_dim),
                      .type = loader.all_f32() ? KvType::kF32 : KvType::kF16};
    info_.recurrent_shape =
        TRY(recurrent_shape(c.n_layers, c.n_taps, c.conv_width(), layers_.front().scan));
    return {};
  }

  Status load_attention(const LayerSource& from, Layer& layer) {
    const H1Config& c = config_;
    const Multipliers& m = c.multipliers;
    const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
    const MatrixPart qkv[] = {{from(kQuery), q, {}}, {from(kKey), kv, {}}, {from(kValue), kv, {}}};
    layer.qkv = TRY(from.loader.linear(qkv, c.width, c.attention_bias));
    layer.output = TRY(from.loader.linear(from(kOutput), c.width, q, c.attention_bias));
    // Attention is linear in the values, so they carry the multiplier of its output.
    scale_rows({{q, m.attention_in, 1},
                {kv, m.attention_in, m.key},
                {kv, m.attention_in, m.attention_out}},
               layer.qkv);
    for (float& bias : layer.output.bias) bias *= static_cast<float>(m.attention_out);
    return {};
  }

  Status load_mlp(const LayerSource& from, Layer& layer) {
    const H1Config& c = config_;
    const Multipliers& m = c.multipliers;
    // llama.cpp's files have this norm without the ".weight" that all others have.
    const std::string norm = from(kMlpNorm);
    const int64_t shape[] = {c.width};
    layer.mlp_norm.epsilon = c.epsilon;
    layer.mlp_norm.weight = TRY(from.loader.values(
        from.is_gguf() && from.loader.has(norm) ? norm : norm + ".weight", shape));
    const MatrixPart gate_up[] = {{from(kGate), c.ffn_width, {}}, {from(kUp), c.ffn_width, {}}};
    layer.gate_up = TRY(from.loader.linear(gate_up, c.width, c.mlp_bias));
    layer.down = TRY(from.loader.linear(from(kDown), c.width, c.ffn_width, c.mlp_bias));
    // The MLP is linear in `up`, so it carries the multiplier of `down`.
    scale_rows({{c.ffn_width, 1, m.mlp[0]}, {c.ffn_width, 1, m.mlp[1]}}, layer.gate_up);
    for (float& bias : layer.down.bias) bias *= static_cast<float>(m.mlp[1]);
    return {};
  }

  Status load_state_space(const LayerSource& from, Layer& layer) {
    const H1Config& c = config_;
    const Multipliers& m = c.multipliers;
    const int64_t width = c.ssm_width(), states = c.n_groups * c.d_state;
    layer.in = TRY(
        from.loader.linear(from(kIn), width + c.conv_width() + c.ssm_heads, c.width, c.in_bias));
    scale_rows({{width, m.ssm_in, m.ssm[0]},
                {width, m.ssm_in, m.ssm[1]},
                {states, m.ssm_in, m.ssm[2]},
                {states, m.ssm_in, m.ssm[3]},
                {c.ssm_heads, m.ssm_in, m.ssm[4]}},
               layer.in);
    layer.conv = TRY(load_causal_conv(from, kConv, c.conv_width(), c.n_taps, c.conv_bias));
    layer.out = TRY(from.loader.linear(from(kOut), c.width, width, c.out_bias));
    scale_rows({{c.width, 1, m.ssm_out}}, layer.out);

    SelectiveScan& scan = layer.scan;
    scan.n_heads = c.ssm_heads;
    scan.head_dim = c.ssm_head_dim;
    scan.n_groups = c.n_groups;
    scan.d_state = c.d_state;
    scan.step_low = c.step_low;
    scan.step_high = c.step_high;
    const int64_t heads[] = {c.ssm_heads}, column[] = {c.ssm_heads, 1};
    const std::span<const int64_t> shape =
        from.is_gguf() ? std::span<const int64_t>(column) : heads;
    scan.head_decay = TRY(load_decay(from, kDecay, shape));
    scan.step_bias = TRY(from.loader.values(from(kStepBias), heads));
    for (const float skip : TRY(from.loader.values(from(kSkip), shape))) {
      scan.skip.insert(scan.skip.end(), static_cast<size_t>(c.ssm_head_dim), skip);
    }
    if (!c.ssm_norm) return {};
    const int64_t flat[] = {width}, grouped[] = {c.n_groups, width / c.n_groups};
    layer.ssm_norm.n_groups = c.n_groups;
    layer.ssm_norm.norm_before_gate = c.norm_before_gate;
    layer.ssm_norm.norm.epsilon = c.epsilon;
    layer.ssm_norm.norm.weight = TRY(from.loader.values(
        from(kSsmNorm), from.is_gguf() ? std::span<const int64_t>(grouped) : flat));
    return {};
  }

  Result<Layer> load_layer(const LayerSource& from) {
    Layer layer;
    layer.norm =
        TRY(from.loader.norm(from(kNorm), Norm::Kind::kRms, config_.width, config_.epsilon));
    TRY(load_attention(from, layer));
    TRY(load_state_space(from, layer));
    TRY(load_mlp(from, layer));
    return layer;
  }

  H1Config config_;
  AttentionSpec attention_;
  const StoredTensor* embedding_ = nullptr;
  std::vector<Layer> layers_;
  Norm norm_;
  Linear head_;
};

Result<std::unique_ptr<Model>> load_falcon_h1(const Checkpoint& checkpoint, Backend& backend) {
  auto model = std::make_unique<FalconH1Model>();
  TRY(model->load(checkpoint, backend));
  return std::unique_ptr<Model>(std::move(model));
}

Status set_gguf_keys(const H1Config& c, GgufPlan* plan) {
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
  plan->set("ssm.conv_kernel", c.n_taps);
  plan->set("ssm.inner_size", c.ssm_width());
  plan->set("ssm.state_size", c.d_state);
  plan->set("ssm.time_step_rank", c.ssm_heads);
  plan->set("ssm.group_count", c.n_groups);
  // What llama.cpp has no keys for: it knows no other norm, and no limit.
  if (c.ssm_norm) plan->set("ssm.norm_before_gate", c.norm_before_gate);
  const bool limited = c.step_low > 0 || std::isfinite(c.step_high);
  if (limited) plan->set_f32("ssm.time_step_limit.0", c.step_low);
  if (std::isfinite(c.step_high)) plan->set_f32("ssm.time_step_limit.1", c.step_high);
  return set_gguf_rope(c.rope_config, plan);
}

// A matrix and its bias with the multipliers in them.
Status add_scaled(TensorName name, int64_t layer, Bias bias, std::vector<ScaledRows> parts,
                  GgufPlan* plan) {
  const size_t first = plan->tensors().size();
  TRY(plan->add(name, layer, bias));
  std::vector<float> of_weight, of_bias;
  for (const ScaledRows& part : parts) {
    of_weight.insert(of_weight.end(), part.count,
                     static_cast<float>(part.of_product * part.of_all));
    of_bias.insert(of_bias.end(), part.count, static_cast<float>(part.of_all));
  }
  plan->tensors()[first].change = [factors = std::move(of_weight)](int64_t row,
                                                                   std::span<float> values) {
    for (float& value : values) value *= factors[static_cast<size_t>(row)];
  };
  if (plan->tensors().size() == first + 1) return {};
  plan->tensors()[first + 1].change = [factors = std::move(of_bias)](int64_t,
                                                                     std::span<float> values) {
    for (size_t i = 0; i < values.size(); ++i) values[i] *= factors[i];
  };
  return {};
}

Status plan_attention(const H1Config& c, int64_t i, GgufPlan* plan) {
  const Multipliers& m = c.multipliers;
  const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
  TRY(add_scaled(kQuery, i, c.attention_bias, {{q, m.attention_in, 1}}, plan));
  TRY(add_scaled(kKey, i, c.attention_bias, {{kv, m.attention_in, m.key}}, plan));
  TRY(add_scaled(kValue, i, c.attention_bias, {{kv, m.attention_in, 1}}, plan));
  return add_scaled(kOutput, i, c.attention_bias, {{c.width, 1, m.attention_out}}, plan);
}

Status plan_state_space(const H1Config& c, const TensorNames& names, int64_t i, GgufPlan* plan) {
  const Multipliers& m = c.multipliers;
  const int64_t width = c.ssm_width(), states = c.n_groups * c.d_state;
  TRY(add_scaled(kIn, i, c.in_bias,
                 {{width, m.ssm_in, m.ssm[0]},
                  {width, m.ssm_in, m.ssm[1]},
                  {states, m.ssm_in, m.ssm[2]},
                  {states, m.ssm_in, m.ssm[3]},
                  {c.ssm_heads, m.ssm_in, m.ssm[4]}},
                 plan));
  TRY(add_causal_conv(kConv, i, c.conv_bias, plan));
  TRY(plan->add_tensor(gguf_name(kStepBias, i), names(kStepBias, i)));
  TRY(add_decay(gguf_name(kDecay, i), names(kDecay, i), plan));
  plan->tensors().back().shape = {c.ssm_heads, 1};
  TRY(plan->add_tensor(gguf_name(kSkip, i), names(kSkip, i)));
  plan->tensors().back().shape = {c.ssm_heads, 1};
  if (c.ssm_norm) {
    TRY(plan->add_tensor(gguf_name(kSsmNorm, i), names(kSsmNorm, i)));
    plan->tensors().back().shape = {c.n_groups, width / c.n_groups};
  }
  return add_scaled(kOut, i, c.out_bias, {{c.width, 1, m.ssm_out}}, plan);
}

Result<GgufPlan> falcon_h1_to_gguf(const Checkpoint& checkpoint) {
  const H1Config c = TRY(read_hf_config(checkpoint));
  const Multipliers& m = c.multipliers;
  const TensorNames names(checkpoint, "model.", kEmbedding);
  GgufPlan plan(checkpoint, names, "falcon-h1");
  TRY(set_gguf_keys(c, &plan));
  TRY(add_scaled(kEmbedding, 0, Bias::kNone, {{c.vocab_size, 1, m.embedding}}, &plan));
  for (int64_t i = 0; i < c.n_layers; ++i) {
    TRY(plan.add(kNorm, i));
    TRY(plan_attention(c, i, &plan));
    TRY(plan_state_space(c, names, i, &plan));
    // The one norm whose name llama.cpp reads without ".weight".
    TRY(plan.add_tensor(gguf_name(kMlpNorm, i), names(kMlpNorm, i) + ".weight"));
    TRY(add_scaled(kGate, i, c.mlp_bias, {{c.ffn_width, 1, m.mlp[0]}}, &plan));
    TRY(plan.add(kUp, i, c.mlp_bias));
    TRY(add_scaled(kDown, i, c.mlp_bias, {{c.width, 1, m.mlp[1]}}, &plan));
  }
  TRY(plan.add(kFinalNorm));
  // A tied head has a multiplier of its own, so it becomes a matrix of its own.
  const TensorName head = {kHead.gguf, (c.tied ? kEmbedding : kHead).hf};
  TRY(add_scaled(head, 0, Bias::kNone, {{c.vocab_size, 1, m.head}}, &plan));
  return plan;
}

constexpr std::string_view kModelTypes[] = {"falcon_h1", "falcon-h1"};

}  // namespace

OVERTAKE_ENTRY(Arch, arch_falcon_h1) = {"falcon_h1", kModelTypes, load_falcon_h1,
                                        falcon_h1_to_gguf};

}  // namespace overtake
