// Adds the request's logit_bias: -100 and 100 ban and force a token, as OpenAI's API has it.
#include <cmath>

#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) { return !params.logit_bias.empty(); }

void apply(Candidates& candidates, const SamplerContext& context) {
  const auto logits = candidates.by_id();
  for (const auto& [id, bias] : context.params.logit_bias) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) continue;  // refused on arrival
    logits[id] += static_cast<float>(bias);
  }
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_logit_bias) = {"logit_bias", 10, active, apply};

}  // namespace overtake
