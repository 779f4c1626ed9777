#include "engine/speculation/draft_budget.h"

#include <algorithm>

namespace overtake {
namespace {

// Of the time without guesses. With the first grant it stays below 3 % from 100 tokens on.
constexpr double kShare = 0.012;
constexpr double kGrant = 1.5;  // steps
// What was won long ago does not allow losing all of it now; a measured time that another process
// has spoilt is no reason to stop for long.
constexpr double kMost = 64;  // steps
constexpr double kLeast = -4;

}  // namespace

void DraftBudget::earn(double plain_us) {
  if (!begun_) left_ += kGrant * plain_us;
  begun_ = true;
  add(kShare * plain_us, plain_us);
}

void DraftBudget::add(double us, double plain_us) {
  left_ = std::clamp(left_ + us, kLeast * plain_us, kMost * plain_us);
}

}  // namespace overtake
