// Temperature: logits are divided by it. 0 means the most probable token and is no stage.
#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) {
  const double temperature = params.temperature.value_or(1);
  return temperature != 1 && temperature != 0;
}

void apply(Candidates& candidates, const SamplerContext& context) {
  const float scale = static_cast<float>(1 / *context.params.temperature);
  for (auto& item : candidates.items()) item.logit *= scale;
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_temperature) = {"temperature", 50, active, apply};

}  // namespace overtake
