// DraftBudget: what a draft model may cost. However wrong its estimates turn out, answers lose no
// more than a small share of their time by it, and what it has won before.
#pragma once

namespace overtake {

// Times are in microseconds of the model's steps, `plain_us` of the one under way without guesses.
class DraftBudget {
 public:
  // A step was made.
  void earn(double plain_us);
  // A draft made this much of time (less than 0: it cost it).
  void add(double us, double plain_us);
  // What may be spent now.
  double left() const { return left_; }

 private:
  double left_ = 0;
  bool begun_ = false;
};

}  // namespace overtake
