// StepCost: what a step of so many rows costs beside a step of one, learned from the steps' own
// times. Rows are nearly free while the weights' way through the machine bounds a step, and cost
// their share when arithmetic does: no table made elsewhere could tell.
#pragma once

#include <array>
#include <cstdint>

namespace overtake {

class StepCost {
 public:
  static constexpr int kMaxRows = 64;

  // A step of `n_rows` rows, each the next of an answer, took `us`.
  void learn(int64_t n_rows, double us);
  // As a multiple of a step of one row; ascending with n_rows, which is at most kMaxRows.
  double of(int64_t n_rows) const;
  double us_of_one() const { return us_of_one_; }

 private:
  struct Entry {
    double ratio = 0;
    int samples = 0;
    int64_t last_step = 0;
  };
  bool known(const Entry& entry) const;

  std::array<Entry, kMaxRows + 1> entries_ = {};
  double us_of_one_ = 0;
  int64_t step_ = 0;
};

}  // namespace overtake
