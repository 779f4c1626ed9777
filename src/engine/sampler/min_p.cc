// Min-p (Nguyen et al. 2024): drops tokens less probable than min_p times the most probable one.
#include <algorithm>
#include <cmath>

#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) { return params.min_p.value_or(0) > 0; }

void apply(Candidates& candidates, const SamplerContext& context) {
  auto& items = candidates.items();
  float top = -INFINITY;
  for (const auto& item : items) top = std::max(top, item.logit);
  const float least = top + static_cast<float>(std::log(*context.params.min_p));
  std::erase_if(items, [&](const auto& item) { return item.logit < least; });
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_min_p) = {"min_p", 70, active, apply};

}  // namespace overtake
