// check_engine: whether a model computes on this machine what it should, as far as it can tell by
// itself. A bench runs it first: the speed of a broken engine means nothing.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "model/arch.h"

namespace overtake {

// Mean, over positions, of the KL divergence (in nats) of what is computed token by token, as new
// tokens are, from what one pass over the prompt gives. The two may differ in rounding only: with
// prompts in bf16, by 8e-5 for SmolLM2-135M, by 4e-3 for random weights, which no training has made
// robust. A wrong layout or a missing term gives above 0.1.
constexpr double kMaxMeanKl = 0.02;
// Where keys and values are rounded to 8 bits, the two passes' fall on different sides of a step:
// 0.022 for the same random weights.
constexpr double kMaxMeanKlQ8 = 0.06;

struct EngineCheck {
  double mean_kl = 0;
  double bound = kMaxMeanKl;
};

// kInternal, in words for a person, where two passes over `ids` (at least two) differ in a single
// bit, logits are not finite or the same everywhere, or the mean divergence exceeds its bound.
Result<EngineCheck> check_engine(const Model& model, Ops& ops, std::span<const int32_t> ids);

}  // namespace overtake
