// Presence and frequency penalties as OpenAI defines them: for each token of the answer so far,
// logit -= presence + frequency * count.
#include <unordered_map>

#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) {
  return params.presence_penalty != 0 || params.frequency_penalty != 0;
}

void apply(Candidates& candidates, const SamplerContext& context) {
  const auto logits = candidates.by_id();
  std::unordered_map<int32_t, int> counts;
  for (const int32_t id : context.generated) ++counts[id];
  for (const auto& [id, count] : counts) {
    logits[static_cast<size_t>(id)] -= static_cast<float>(context.params.presence_penalty +
                                                          context.params.frequency_penalty * count);
  }
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_presence_frequency) = {"presence_frequency", 30, active,
                                                            apply};

}  // namespace overtake
