// check_engine: whether a model computes on this machine what it should, as far as it can tell by
// itself. A bench runs it first: the speed of a broken engine means nothing.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "model/arch.h"

namespace overtake {

// Mean, over positions, of the KL divergence (in nats) of what is computed token by token, as new
// tokens are, from what one pass over the prompt gives. The two may differ in rounding only.
constexpr double kMaxMeanKl = 1e-3;

struct EngineCheck {
  double mean_kl = 0;
};

// kInternal, in words for a person, where two passes over `ids` (at least two) differ in a single
// bit, logits are not finite or the same everywhere, or the mean divergence exceeds kMaxMeanKl.
Result<EngineCheck> check_engine(const Model& model, Ops& ops, std::span<const int32_t> ids);

}  // namespace overtake
