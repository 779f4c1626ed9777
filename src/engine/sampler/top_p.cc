// Top-p, nucleus sampling (Holtzman et al. 2019): keeps the fewest most probable tokens that have
// at least probability p together.
#include <algorithm>
#include <cmath>

#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) { return params.top_p.value_or(1) < 1; }

void apply(Candidates& candidates, const SamplerContext& context) {
  auto& items = candidates.items();
  if (items.empty()) return;
  float top = -INFINITY;
  for (const auto& item : items) top = std::max(top, item.logit);
  double total = 0;
  for (const auto& item : items) total += std::exp(item.logit - top);
  const double wanted = *context.params.top_p * total;
  // A few items have nearly all of it, mostly: no more are sorted than are needed.
  size_t n_sorted = 0;
  double sum = 0;
  size_t kept = 0;
  while (kept < items.size() && sum < wanted) {
    if (kept == n_sorted) candidates.sort(n_sorted = std::max<size_t>(64, 4 * n_sorted));
    sum += std::exp(items[kept++].logit - top);
  }
  items.resize(std::max<size_t>(kept, 1));
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_top_p) = {"top_p", 60, active, apply};

}  // namespace overtake
