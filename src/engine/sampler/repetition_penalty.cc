// Repetition penalty (Keskar et al. 2019): logits of tokens that stand in the prompt or the answer
// are divided by the penalty where positive, multiplied where negative; each token once.
#include <unordered_set>

#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) { return params.repetition_penalty.value_or(1) != 1; }

void apply(Candidates& candidates, const SamplerContext& context) {
  const auto logits = candidates.by_id();
  const float penalty = static_cast<float>(*context.params.repetition_penalty);
  std::unordered_set<int32_t> seen;
  for (const auto ids : {context.prompt, context.generated}) {
    for (const int32_t id : ids) {
      if (!seen.insert(id).second) continue;
      float& logit = logits[static_cast<size_t>(id)];
      logit = logit > 0 ? logit / penalty : logit * penalty;
    }
  }
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_repetition_penalty) = {"repetition_penalty", 20, active,
                                                            apply};

}  // namespace overtake
