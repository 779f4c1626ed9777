// AcceptanceRates: how often a guess turns out right, learned from every token that is written,
// whether its guess was tried or not. By what is known of a guess before: how long its source has
// agreed with the text, or how sure the draft model is of it.
#pragma once

#include <array>
#include <span>

namespace overtake {

// Rates of guesses of some kinds, which are numbered from 0.
class RateTable {
 public:
  static constexpr int kMaxKinds = 9;

  // Before anything is known: `first` by kind, which must outlive this; or what `wider` knows,
  // which must outlive this too.
  explicit RateTable(std::span<const double> first) : first_(first) {}
  explicit RateTable(const RateTable* wider) : wider_(wider) {}

  void learn(int kind, bool right);
  double rate(int kind) const;

 private:
  struct Count {
    double right = 0;
    double all = 0;
  };
  std::span<const double> first_;
  const RateTable* wider_ = nullptr;
  std::array<Count, kMaxKinds> counts_ = {};
};

// Of guesses by prompt lookup.
class AcceptanceRates {
 public:
  AcceptanceRates();
  // What is not known here is taken from `wider`, which must outlive this.
  explicit AcceptanceRates(const AcceptanceRates* wider) : table_(&wider->table_) {}

  // `length` tokens had agreed with the source of a guess.
  void learn(int length, bool right);
  double rate(int length) const;

 private:
  RateTable table_;
};

// Of guesses by a draft model.
class MarginRates {
 public:
  MarginRates();
  explicit MarginRates(const MarginRates* wider) : table_(&wider->table_) {}

  // `margin`: by how much the guess's logit was above those of all other tokens.
  void learn(float margin, bool right);
  double rate(float margin) const;
  double mean() const;

 private:
  RateTable table_;
};

}  // namespace overtake
