// Whether positions are encoded as the model was trained: context length, rope base and scaling.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "cli/fidelity.h"
#include "cli/known_vocabularies.h"
#include "model/rope_scaling.h"

namespace overtake {
namespace {

constexpr const char* kName = "positions";
constexpr double kDefaultTheta = 10000;  // of most programs, where a file says nothing
constexpr int64_t kShortContext = 256;
constexpr int64_t kLongContext = 16 << 20;

Result<RopeConfig> read_rope(const FidelitySubject& subject, const ModelInfo& info) {
  const int n_dims = info.kv_shape.head_dim;
  const Metadata& meta = subject.checkpoint->metadata();
  return subject.is_gguf()
             ? read_gguf_rope(meta, subject.checkpoint->model_type(), n_dims, info.context_length)
             : read_hf_rope(meta, n_dims, info.context_length);
}

bool is_scaled(const FidelitySubject& subject, const RopeConfig& rope) {
  return rope.type != "default" || subject.checkpoint->find("rope_freqs.weight") != nullptr;
}

void report_base(const FidelityRun& run, const RopeConfig& rope, const KnownVocabulary& known) {
  const std::string text = fmt::format(
      "the rope base is {:g}; models with the vocabulary of {} have "
      "{:g}",
      rope.theta, known.name, known.ropes[0].theta);
  if (rope.theta == kDefaultTheta) {
    return run.fault(kName, text + ": it is what stands where a conversion lost the real one",
                     "get another conversion: with the wrong base, answers fall apart with length");
  }
  run.warn(kName, text, "fine if its makers stretched the context; compare with their config.json");
}

// What the models of a known vocabulary share.
void compare(const FidelityRun& run, const RopeConfig& rope, int64_t context) {
  const auto tokens = run.subject.text().find_strings("tokenizer.ggml.tokens");
  if (!tokens.ok() || !*tokens) return;
  const KnownVocabulary* known = match_vocabulary(**tokens).known;
  if (!known || known->ropes[0].theta == 0) return;
  const auto* found = std::ranges::find_if(known->ropes, [&](const KnownVocabulary::Rope& each) {
    return each.theta > 0 && std::abs(rope.theta / each.theta - 1) < 1e-3;
  });
  if (found == known->ropes.end()) return report_base(run, rope, *known);
  if (found->plain_context > 0 && context > found->plain_context && !is_scaled(run.subject, rope)) {
    run.fault(kName,
              fmt::format("{} tokens of context without rope scaling (rope_freqs, rope_scaling); "
                          "models of {} have {} without",
                          context, known->name, found->plain_context),
              "get a newer conversion: this one lost the scaling, and answers wrongly to long "
              "prompts");
  }
}

void check(const FidelityRun& run) {
  const FidelitySubject& subject = run.subject;
  if (!subject.info->ok() || (*subject.info)->kv_shape.n_layers == 0) return;
  const ModelInfo& info = **subject.info;
  const size_t before = run.findings.size();
  if (info.context_length < kShortContext || info.context_length > kLongContext) {
    run.warn(kName, fmt::format("a context of {} tokens is doubtful", info.context_length),
             "compare with the makers' model card");
  }
  const Result<RopeConfig> rope = read_rope(subject, info);
  if (!rope.ok()) return run.fault(kName, rope.error().message, "get the file again");
  if (subject.checkpoint->model_type() == "llama") compare(run, *rope, info.context_length);
  if (run.findings.size() > before) return;
  const bool freqs = subject.checkpoint->find("rope_freqs.weight") != nullptr;
  const std::string scaling = rope->type != "default" ? rope->type : freqs ? "rope_freqs" : "none";
  run.ok(kName, fmt::format("{} tokens, rope base {:g}, scaling {}", info.context_length,
                            rope->theta, scaling));
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_positions) = {"positions", 80, check};

}  // namespace overtake
