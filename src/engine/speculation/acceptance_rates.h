// AcceptanceRates: how often a guess turns out right, learned from every token that is written,
// whether its guess was tried or not: learning costs no work of the model.
#pragma once

#include <array>

namespace overtake {

class AcceptanceRates {
 public:
  // What is not known here is taken from `wider`, which must outlive this.
  explicit AcceptanceRates(const AcceptanceRates* wider = nullptr) : wider_(wider) {}

  // `length` tokens had agreed with the source of a guess.
  void learn(int length, bool right);
  double rate(int length) const;

 private:
  // Lengths 0 to 4, then 5 to 7, 8 to 15, 16 and more.
  static constexpr int kClasses = 8;
  static int class_of(int length);

  struct Count {
    double right = 0;
    double all = 0;
  };
  const AcceptanceRates* wider_;
  std::array<Count, kClasses> counts_ = {};
};

}  // namespace overtake
