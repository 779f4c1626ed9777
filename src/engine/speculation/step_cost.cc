#include "engine/speculation/step_cost.h"

#include <algorithm>

namespace overtake {
namespace {

// Before a number of rows has been seen.
double first_guess(int64_t n_rows) {
  const auto more = static_cast<double>(n_rows - 1);
  return n_rows <= 4 ? 1 + 0.15 * more : 1.1 + 0.2 * more;
}

// A time that another process has spoilt moves an estimate by little; what has not been seen for
// long is forgotten, so that it is tried again.
constexpr double kMostOff = 1.3;
constexpr int kFirstSamples = 4;
constexpr double kWeight = 0.1;
constexpr int64_t kForgetAfter = 2000;  // steps
// Many rows push weights out of the caches: the steps behind them pay for that.
constexpr int64_t kAfterEffect = 6;  // steps

// `old` moved towards `sample`, the n-th.
double moved(double old, double sample, int n) {
  if (n < kFirstSamples) return old + (std::min(sample, old * 2) - old) / (n + 1);
  return old + kWeight * (std::clamp(sample, old / kMostOff, old * kMostOff) - old);
}

}  // namespace

bool StepCost::known(int64_t n_rows) const {
  const Entry& entry = entries_[static_cast<size_t>(n_rows)];
  return n_rows == 1 || (entry.samples > 0 && step_ - entry.last_step < kForgetAfter);
}

bool StepCost::ready() const { return samples_of_one_ >= kFirstSamples; }

void StepCost::learn_ratio(int64_t n_rows, double us) {
  Entry& entry = entries_[static_cast<size_t>(n_rows)];
  if (!known(n_rows)) entry = {of(n_rows), 0, 0};
  entry.ratio = moved(entry.ratio, us / us_of_one_, entry.samples++);
  entry.last_step = step_;
}

void StepCost::settle() {
  if (drafted_rows_ > 0) learn_ratio(drafted_rows_, drafted_us_);
  drafted_rows_ = 0;
}

void StepCost::learn(int64_t n_rows, int64_t n_drafted, double us) {
  if (n_rows < 1 || n_rows > kMaxRows || !(us > 0)) return;
  ++step_;
  if (us_of_one_ == 0) us_of_one_ = us / of(n_rows);
  if (n_drafted > 0) {
    settle();
    drafted_rows_ = n_rows;
    drafted_us_ = us;
    plain_steps_ = 0;
    return;
  }
  if (++plain_steps_ <= kAfterEffect && drafted_rows_ > 0) {
    const double usual = of(n_rows) * us_of_one_;
    drafted_us_ += std::clamp(us - usual, -0.3 * usual, 0.3 * usual);
    return;
  }
  settle();
  if (n_rows == 1) {
    // The first ones find nothing in the caches.
    us_of_one_ = ready() ? moved(us_of_one_, us, samples_of_one_)
                         : (samples_of_one_ == 0 ? us : std::min(us_of_one_, us));
    ++samples_of_one_;
  } else {
    learn_ratio(n_rows, us);
  }
}

double StepCost::of(int64_t n_rows) const {
  if (known(n_rows)) return n_rows == 1 ? 1 : entries_[static_cast<size_t>(n_rows)].ratio;
  // Between numbers that are known the first guess is bent to fit the nearest one below.
  int64_t low = n_rows, high = n_rows;
  while (!known(low)) --low;
  while (high <= kMaxRows && !known(high)) ++high;
  const double least = low == 1 ? 1 : entries_[static_cast<size_t>(low)].ratio;
  const double out = first_guess(n_rows) * least / first_guess(low);
  return high > kMaxRows
             ? out
             : std::max(least, std::min(out, entries_[static_cast<size_t>(high)].ratio));
}

}  // namespace overtake
