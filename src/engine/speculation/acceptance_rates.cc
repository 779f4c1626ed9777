#include "engine/speculation/acceptance_rates.h"

#include <algorithm>

namespace overtake {
namespace {

// By length 0 to 4, 5 to 7, 8 to 15, 16 and more. Below what tries a guess, but for long agreement.
constexpr double kFirstByLength[] = {0.4, 0.5, 0.2, 0.4, 0.6, 0.75, 0.85, 0.95};
// By margin, up to each of these and above. Who gives a draft model expects it to be of use.
constexpr float kMargins[] = {0.25f, 0.5f, 1, 1.5f, 2.5f, 4, 6};
constexpr double kFirstByMargin[] = {0.3, 0.4, 0.5, 0.6, 0.75, 0.85, 0.93, 0.97, 0.6};
constexpr int kAnyMargin = 8;
// How many tokens the wider rate counts for, and how far back counts reach, about.
constexpr double kPriorWeight = 4;
constexpr double kMemory = 64;

int kind_of(int length) { return length < 5 ? length : length < 8 ? 5 : length < 16 ? 6 : 7; }

int kind_of(float margin) {
  return static_cast<int>(std::ranges::lower_bound(kMargins, margin) - kMargins);
}

}  // namespace

void RateTable::learn(int kind, bool right) {
  Count& count = counts_[static_cast<size_t>(kind)];
  if (count.all >= kMemory) {
    count.right /= 2;
    count.all /= 2;
  }
  count.right += right;
  ++count.all;
}

double RateTable::rate(int kind) const {
  const Count& count = counts_[static_cast<size_t>(kind)];
  const double prior = wider_ ? wider_->rate(kind) : first_[static_cast<size_t>(kind)];
  return (count.right + kPriorWeight * prior) / (count.all + kPriorWeight);
}

AcceptanceRates::AcceptanceRates() : table_(kFirstByLength) {}
void AcceptanceRates::learn(int length, bool right) { table_.learn(kind_of(length), right); }
double AcceptanceRates::rate(int length) const { return table_.rate(kind_of(length)); }

MarginRates::MarginRates() : table_(kFirstByMargin) {}

void MarginRates::learn(float margin, bool right) {
  table_.learn(kind_of(margin), right);
  table_.learn(kAnyMargin, right);
}

double MarginRates::rate(float margin) const { return table_.rate(kind_of(margin)); }
double MarginRates::mean() const { return table_.rate(kAnyMargin); }

}  // namespace overtake
