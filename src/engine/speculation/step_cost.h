// StepCost: what a step of so many rows costs beside a step of one, learned from the steps' own
// times. Rows are nearly free while the weights' way through the machine bounds a step, and cost
// their share when arithmetic does: no table made elsewhere could tell.
#pragma once

#include <array>
#include <cstdint>

namespace overtake {

class StepCost {
 public:
  static constexpr int64_t kMaxRows = 64;

  // A step of `n_rows` rows, `n_drafted` of them guesses, the others each the next of an answer,
  // took `us`.
  void learn(int64_t n_rows, int64_t n_drafted, double us);
  // As a multiple of a step of one row; n_rows is at most kMaxRows.
  double of(int64_t n_rows) const;
  // Microseconds; 0 before any time is known.
  double us(int64_t n_rows) const { return of(n_rows) * us_of_one_; }
  // Whether enough steps of one row were seen to judge others by.
  bool ready() const;

 private:
  struct Entry {
    double ratio = 0;
    int samples = 0;
    int64_t last_step = 0;
  };
  bool known(int64_t n_rows) const;
  void learn_ratio(int64_t n_rows, double us);
  void settle();

  std::array<Entry, kMaxRows + 1> entries_ = {};
  double us_of_one_ = 0;
  int samples_of_one_ = 0;
  int64_t step_ = 0;
  // The last step with guesses, until its after-effects are over.
  int64_t drafted_rows_ = 0;  // 0: none
  double drafted_us_ = 0;
  int64_t plain_steps_ = 0;  // since then
};

}  // namespace overtake
