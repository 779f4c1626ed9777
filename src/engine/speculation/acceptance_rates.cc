#include "engine/speculation/acceptance_rates.h"

#include <algorithm>

namespace overtake {
namespace {

// Before anything is known; below what tries a guess, but for long agreement.
constexpr double kFirstRates[] = {0.4, 0.5, 0.2, 0.4, 0.6, 0.75, 0.85, 0.95};
// How many tokens the wider rate counts for, and how far back counts reach, about.
constexpr double kPriorWeight = 4;
constexpr double kMemory = 64;

}  // namespace

int AcceptanceRates::class_of(int length) {
  return length < 5 ? length : length < 8 ? 5 : length < 16 ? 6 : 7;
}

void AcceptanceRates::learn(int length, bool right) {
  Count& count = counts_[class_of(length)];
  if (count.all >= kMemory) {
    count.right /= 2;
    count.all /= 2;
  }
  count.right += right;
  ++count.all;
}

double AcceptanceRates::rate(int length) const {
  const int i = class_of(length);
  const double prior = wider_ ? wider_->rate(length) : kFirstRates[i];
  return (counts_[i].right + kPriorWeight * prior) / (counts_[i].all + kPriorWeight);
}

}  // namespace overtake
