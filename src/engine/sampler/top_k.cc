// Top-k (Fan et al. 2018): keeps the k most probable tokens. Before the temperature, which does not
// change the order, so that later stages see a short list.
#include <algorithm>

#include "engine/sampler.h"

namespace overtake {
namespace {

bool active(const SamplingParams& params) { return params.top_k.value_or(0) > 0; }

void apply(Candidates& candidates, const SamplerContext& context) {
  auto& items = candidates.items();
  const size_t k = static_cast<size_t>(*context.params.top_k);
  if (k >= items.size()) return;
  std::nth_element(items.begin(), items.begin() + static_cast<ptrdiff_t>(k), items.end(),
                   [](const auto& a, const auto& b) {
                     return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
                   });
  items.resize(k);
  candidates.sort();
}

}  // namespace

OVERTAKE_ENTRY(SamplerStage, sampler_top_k) = {"top_k", 40, active, apply};

}  // namespace overtake
