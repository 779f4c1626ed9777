// Falcon Mamba (Zuo et al. 2024, arXiv 2410.05355): Mamba's selective state spaces (Gu and Dao
// 2023, arXiv 2312.00752) in place of attention and MLP, with RMS norms on the time step, B and C.
// Plain Mamba is the same without those norms, and shares its name in GGUF. Against Llama: no
// positions, no keys and values; a sequence's state has one size whatever its length.
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "model/arch.h"
#include "model/gguf_plan.h"
#include "model/limits.h"
#include "model/state_space.h"
#include "model/tensor_names.h"
#include "model/weight_loader.h"

namespace overtake {
namespace {

// Nothing in the model ends at a position. Files must name a context; this is what GGUF's name.
constexpr int64_t kContext = 1 << 20;

struct MambaConfig {
  int64_t width = 0, n_layers = 0, n_channels = 0, d_state = 0, n_taps = 0, step_rank = 0;
  int64_t vocab_size = 0, context = kContext;
  float epsilon = 1e-5f;
  float mixer_epsilon = 1e-6f;
  bool mixer_norms = false;  // of the time step, B and C
  bool tied = true;
  Bias bias = Bias::kNone, conv_bias = Bias::kNone;
};

constexpr TensorName kEmbedding = {"token_embd", "backbone.embeddings"};
constexpr TensorName kNorm = {"blk.{}.attn_norm", "backbone.layers.{}.norm"};
constexpr TensorName kIn = {"blk.{}.ssm_in", "backbone.layers.{}.mixer.in_proj"};
constexpr TensorName kConv = {"blk.{}.ssm_conv1d", "backbone.layers.{}.mixer.conv1d"};
constexpr TensorName kStepBC = {"blk.{}.ssm_x", "backbone.layers.{}.mixer.x_proj"};
constexpr TensorName kStep = {"blk.{}.ssm_dt", "backbone.layers.{}.mixer.dt_proj"};
constexpr TensorName kDecay = {"blk.{}.ssm_a", "backbone.layers.{}.mixer.A_log"};  // no ".weight"
constexpr TensorName kSkip = {"blk.{}.ssm_d", "backbone.layers.{}.mixer.D"};       // no ".weight"
constexpr TensorName kOut = {"blk.{}.ssm_out", "backbone.layers.{}.mixer.out_proj"};
constexpr TensorName kFinalNorm = {"output_norm", "backbone.norm_f"};
constexpr TensorName kHead = {"output", "lm_head"};

Status check_activation(const Metadata& config) {
  const std::string name = TRY(config.find_string("hidden_act")).value_or("silu");
  if (name == "silu" || name == "swish") return {};
  return Error{ErrorCode::kUnsupported,
               fmt::format("hidden_act \"{}\" is not known; config.json; known is silu", name)};
}

Result<MambaConfig> read_hf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const auto get = [&](std::string_view key, int64_t high, int64_t otherwise) -> Result<int64_t> {
    if (!meta.has(key)) return otherwise;
    return get_bounded(meta, std::span(&key, 1), high);
  };
  const auto flag = [&](std::string_view key, bool otherwise) -> Result<bool> {
    return TRY(meta.find_bool(key)).value_or(otherwise);
  };
  MambaConfig c;
  c.width = TRY(get("hidden_size", kMaxWidth, 768));
  c.n_layers = TRY(get("num_hidden_layers", kMaxLayers, 32));
  c.vocab_size = TRY(get("vocab_size", kMaxVocab, 50280));
  c.d_state = TRY(get("state_size", kMaxStateDim, 16));
  c.n_taps = TRY(get("conv_kernel", kMaxConvTaps, 4));
  // The published 7B says expand 16 and intermediate_size 8192 = 2 * 4096: the size counts.
  const double expand = TRY(meta.find_double("expand")).value_or(2);
  c.n_channels =
      meta.has("intermediate_size")
          ? TRY(get("intermediate_size", kMaxWidth, 0))
          : TRY(check_range(
                "expand * hidden_size",
                static_cast<int64_t>(std::clamp(expand * static_cast<double>(c.width), 0.0, 1e18)),
                1, kMaxWidth));
  const bool automatic = meta.has("time_step_rank") && meta.find_string("time_step_rank").ok();
  c.step_rank =
      automatic ? (c.width + 15) / 16 : TRY(get("time_step_rank", kMaxWidth, (c.width + 15) / 16));
  c.epsilon = static_cast<float>(TRY(meta.find_double("layer_norm_epsilon")).value_or(1e-5));
  c.mixer_epsilon = static_cast<float>(TRY(meta.find_double("mixer_rms_eps")).value_or(1e-6));
  c.mixer_norms = checkpoint.model_type() == "falcon_mamba";
  c.tied = TRY(flag("tie_word_embeddings", true));
  c.bias = TRY(flag("use_bias", false)) ? Bias::kRequired : Bias::kNone;
  c.conv_bias = TRY(flag("use_conv_bias", true)) ? Bias::kRequired : Bias::kNone;
  TRY(check_activation(meta));
  return c;
}

Result<MambaConfig> read_gguf_config(const Checkpoint& checkpoint) {
  const Metadata& meta = checkpoint.metadata();
  const std::string& arch = checkpoint.model_type();
  const auto get = [&](const char* name, int64_t high) {
    return get_bounded(checkpoint, name, high);
  };
  MambaConfig c;
  c.width = TRY(get("embedding_length", kMaxWidth));
  c.n_layers = TRY(get("block_count", kMaxLayers));
  c.n_channels = TRY(get("ssm.inner_size", kMaxWidth));
  c.d_state = TRY(get("ssm.state_size", kMaxStateDim));
  c.n_taps = TRY(get("ssm.conv_kernel", kMaxConvTaps));
  c.step_rank = TRY(get("ssm.time_step_rank", kMaxWidth));
  if (meta.has(arch + ".context_length")) c.context = TRY(get("context_length", kMaxContext));
  c.epsilon = static_cast<float>(TRY(meta.get_double(arch + ".attention.layer_norm_rms_epsilon")));
  c.mixer_norms = TRY(meta.find_bool(arch + ".ssm.dt_b_c_rms")).value_or(false);
  // Files by others do not say it; all published checkpoints have transformers' default.
  c.mixer_epsilon = static_cast<float>(
      TRY(meta.find_double(arch + ".ssm.dt_b_c_rms_epsilon")).value_or(c.mixer_epsilon));
  c.tied = checkpoint.find("output.weight") == nullptr;
  c.bias = c.conv_bias = Bias::kIfPresent;
  const StoredTensor* embedding = checkpoint.find("token_embd.weight");
  c.vocab_size = embedding ? TRY(check_range("the number of rows of token_embd.weight",
                                             embedding->n_rows(), 1, kMaxVocab))
                           : 1;  // the loader reports the missing tensor
  return c;
}

class FalconMambaModel : public Model {
 public:
  Status load(const Checkpoint& checkpoint, Backend& backend) {
    const bool gguf = checkpoint.format() == CheckpointFormat::kGguf;
    config_ = TRY(gguf ? read_gguf_config(checkpoint) : read_hf_config(checkpoint));
    const MambaConfig& c = config_;
    const TensorNames names(checkpoint, "backbone.", kEmbedding);
    WeightLoader loader(checkpoint, backend);
    embedding_ = TRY(loader.table(names(kEmbedding), c.vocab_size, c.width));
    for (int64_t i = 0; i < c.n_layers; ++i) {
      layers_.push_back(TRY(load_layer({loader, checkpoint, names, i})));
    }
    norm_ = TRY(loader.norm(names(kFinalNorm), Norm::Kind::kRms, c.width, c.epsilon));
    head_ =
        TRY(loader.linear(names(c.tied ? kEmbedding : kHead), c.vocab_size, c.width, Bias::kNone));
    step_norm_ = plain_norm(c.step_rank);
    state_norm_ = plain_norm(c.d_state);
    info_.arch = "falcon_mamba";
    info_.vocab_size = c.vocab_size;
    info_.width = c.width;
    info_.n_layers = static_cast<int>(c.n_layers);
    info_.context_length = c.context;
    info_.weight_bytes = loader.packed_bytes();
    info_.recurrent_shape =
        TRY(recurrent_shape(c.n_layers, c.n_taps, c.n_channels, layers_.front().scan));
    return {};
  }

  Tensor forward(const Batch& batch, Ops& ops) const override {
    ops.begin(batch);
    const Tensor h = ops.embed(*embedding_, 1.0f);
    ops.observe_hidden(0, h);
    for (int i = 0; i < info_.n_layers; ++i) {
      const size_t mark = ops.mark();
      mix(h, i, ops);
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
    Norm norm;
    Linear in, step_b_c, step, out;
    CausalConv conv;
    SelectiveScan scan;
  };

  void mix(Tensor h, int i, Ops& ops) const {
    const MambaConfig& c = config_;
    const Layer& layer = layers_[i];
    const Tensor in = ops.linear(ops.norm(h, layer.norm), layer.in);
    const Tensor x = ops.causal_conv(in.columns(0, c.n_channels), layer.conv, i);
    const Tensor all = ops.linear(x, layer.step_b_c);
    Tensor step = all.columns(0, c.step_rank);
    Tensor b = all.columns(c.step_rank, c.d_state);
    Tensor to_y = all.columns(c.step_rank + c.d_state, c.d_state);
    if (c.mixer_norms) {
      step = ops.norm(step, step_norm_);
      b = ops.norm(b, state_norm_);
      to_y = ops.norm(to_y, state_norm_);
    }
    const ScanInput input = {.x = x,
                             .dt = ops.linear(step, layer.step),
                             .b = b,
                             .c = to_y,
                             .gate = in.columns(c.n_channels, c.n_channels)};
    ops.linear_add(ops.selective_scan(input, layer.scan, i), layer.out, h);
  }

  Norm plain_norm(int64_t width) const {
    Norm norm;
    norm.weight.assign(static_cast<size_t>(width), 1.0f);
    norm.epsilon = config_.mixer_epsilon;
    return norm;
  }

  Result<Layer> load_layer(const LayerSource& from) {
    const MambaConfig& c = config_;
    Layer layer;
    layer.norm = TRY(from.loader.norm(from(kNorm), Norm::Kind::kRms, c.width, c.epsilon));
    layer.in = TRY(from.loader.linear(from(kIn), 2 * c.n_channels, c.width, c.bias));
    layer.conv = TRY(load_causal_conv(from, kConv, c.n_channels, c.n_taps, c.conv_bias));
    layer.step_b_c = TRY(
        from.loader.linear(from(kStepBC), c.step_rank + 2 * c.d_state, c.n_channels, Bias::kNone));
    layer.step = TRY(from.loader.linear(from(kStep), c.n_channels, c.step_rank, Bias::kRequired));
    layer.out = TRY(from.loader.linear(from(kOut), c.width, c.n_channels, c.bias));
    const int64_t decay_shape[] = {c.n_channels, c.d_state}, skip_shape[] = {c.n_channels};
    const auto decay = TRY(load_decay(from, kDecay, decay_shape));
    layer.scan.n_heads = 1;
    layer.scan.head_dim = c.n_channels;
    layer.scan.d_state = c.d_state;
    layer.scan.channel_decay = in_channel_blocks(decay, c.d_state);
    layer.scan.skip = TRY(from.loader.values(from(kSkip), skip_shape));
    return layer;
  }

  MambaConfig config_;
  const StoredTensor* embedding_ = nullptr;
  std::vector<Layer> layers_;
  Norm norm_, step_norm_, state_norm_;
  Linear head_;
};

Result<std::unique_ptr<Model>> load_falcon_mamba(const Checkpoint& checkpoint, Backend& backend) {
  auto model = std::make_unique<FalconMambaModel>();
  TRY(model->load(checkpoint, backend));
  return std::unique_ptr<Model>(std::move(model));
}

void set_gguf_keys(const MambaConfig& c, GgufPlan* plan) {
  plan->set("vocab_size", c.vocab_size);
  plan->set("context_length", c.context);
  plan->set("embedding_length", c.width);
  plan->set("block_count", c.n_layers);
  plan->set("feed_forward_length", int64_t{0});  // llama.cpp asks for these two
  plan->set("attention.head_count", int64_t{0});
  plan->set_f32("attention.layer_norm_rms_epsilon", c.epsilon);
  plan->set("ssm.conv_kernel", c.n_taps);
  plan->set("ssm.inner_size", c.n_channels);
  plan->set("ssm.state_size", c.d_state);
  plan->set("ssm.time_step_rank", c.step_rank);
  plan->set("ssm.dt_b_c_rms", c.mixer_norms);
  if (c.mixer_norms) plan->set_f32("ssm.dt_b_c_rms_epsilon", c.mixer_epsilon);
}

Result<GgufPlan> falcon_mamba_to_gguf(const Checkpoint& checkpoint) {
  const MambaConfig c = TRY(read_hf_config(checkpoint));
  const TensorNames names(checkpoint, "backbone.", kEmbedding);
  GgufPlan plan(checkpoint, names, "mamba");
  set_gguf_keys(c, &plan);
  TRY(plan.add(kEmbedding));
  for (int64_t i = 0; i < c.n_layers; ++i) {
    TRY(plan.add(kNorm, i));
    TRY(plan.add(kIn, i, c.bias));
    TRY(add_causal_conv(kConv, i, c.conv_bias, &plan));
    TRY(plan.add(kStepBC, i));
    TRY(plan.add(kStep, i, Bias::kRequired));
    TRY(add_decay(gguf_name(kDecay, i), names(kDecay, i), &plan));
    TRY(plan.add_tensor(gguf_name(kSkip, i), names(kSkip, i)));
    TRY(plan.add(kOut, i, c.bias));
  }
  TRY(plan.add(kFinalNorm));
  if (!c.tied) TRY(plan.add(kHead));
  return plan;
}

constexpr std::string_view kModelTypes[] = {"falcon_mamba", "mamba"};

}  // namespace

OVERTAKE_ENTRY(Arch, arch_falcon_mamba) = {"falcon_mamba", kModelTypes, load_falcon_mamba,
                                           falcon_mamba_to_gguf};

}  // namespace overtake
