#include "engine/speculation/step_cost.h"

#include <algorithm>

namespace overtake {
namespace {

// Before a number of rows has been seen.
double first_guess(int64_t n_rows) {
  const auto more = static_cast<double>(n_rows - 1);
  return n_rows <= 4 ? 1 + 0.1 * more : 1.1 + 0.15 * more;
}

// A time that another process has spoilt moves an estimate by little; what has not been seen for
// long is forgotten, so that it is tried again.
constexpr double kMostOff = 1.3;
constexpr int kFirstSamples = 4;
constexpr double kWeight = 0.1;
constexpr int64_t kForgetAfter = 2000;  // steps

// `old` moved towards `sample`, the n-th.
double moved(double old, double sample, int n) {
  if (n < kFirstSamples) return old + (std::min(sample, old * 2) - old) / (n + 1);
  return old + kWeight * (std::clamp(sample, old / kMostOff, old * kMostOff) - old);
}

}  // namespace

bool StepCost::known(const Entry& entry) const {
  return entry.samples > 0 && step_ - entry.last_step < kForgetAfter;
}

void StepCost::learn(int64_t n_rows, double us) {
  if (n_rows < 1 || n_rows > kMaxRows || !(us > 0)) return;
  ++step_;
  Entry& one = entries_[1];
  if (one.samples == 0) {
    us_of_one_ = us / first_guess(n_rows);
    one = {1, 1, step_};
  }
  Entry& entry = entries_[n_rows];
  if (n_rows == 1) {
    us_of_one_ = moved(us_of_one_, us, one.samples++);
    return;
  }
  const double sample = us / us_of_one_;
  if (!known(entry)) entry = {of(n_rows), 0, step_};
  entry.ratio = moved(entry.ratio, sample, entry.samples);
  ++entry.samples;
  entry.last_step = step_;
}

double StepCost::of(int64_t n_rows) const {
  // Between numbers that are known the first guess is bent to fit the nearest one.
  if (n_rows <= 1) return 1;
  if (known(entries_[n_rows])) return entries_[n_rows].ratio;
  int64_t low = n_rows, high = n_rows;
  while (low > 1 && !known(entries_[low])) --low;
  while (high <= kMaxRows && !known(entries_[high])) ++high;
  double out = first_guess(n_rows);
  if (low > 1) out *= entries_[low].ratio / first_guess(low);
  if (high <= kMaxRows) out = std::min(out, entries_[high].ratio);
  if (low > 1) out = std::max(out, entries_[low].ratio);
  return out;
}

}  // namespace overtake
