#include "engine/speculation/drafter.h"

namespace overtake {

Drafter::Drafter(std::span<const int32_t> prompt, std::span<const int32_t> expected)
    : lookup_(expected) {
  lookup_.begin(prompt);
}

void Drafter::share(AcceptanceRates& wider) {
  wider_ = &wider;
  rates_ = AcceptanceRates(&wider);
}

void Drafter::push(int32_t id) {
  const auto outcome = lookup_.push(id);
  if (!outcome) return;
  rates_.learn(outcome->length, outcome->right);
  if (wider_) wider_->learn(outcome->length, outcome->right);
}

void Drafter::propose(int64_t most) {
  draft_.clear();
  if (most > 0) lookup_.propose(static_cast<size_t>(most), draft_);
}

double Drafter::chance(int64_t n) const {
  return rates_.rate(lookup_.length().value_or(0) + static_cast<int>(n) - 1);
}

}  // namespace overtake
