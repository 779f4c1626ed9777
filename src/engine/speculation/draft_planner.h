// DraftPlanner: how many guessed tokens of which answers are worth a row in the next step. A guess
// is tried where the tokens that it may bring outweigh the time that its row takes, and never at
// the expense of an answer beside it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/speculation/acceptance_rates.h"
#include "engine/speculation/drafter.h"
#include "engine/speculation/step_cost.h"

namespace overtake {

enum class Speculation {
  kNone,
  kWhereFaster,
  kAlways,  // every guess is tried, whatever it costs: to test by
};

class DraftPlanner {
 public:
  explicit DraftPlanner(bool always = false) : always_(always) {}

  struct Answer {
    Drafter* drafter;
    int64_t most;  // tokens that it may be ahead
  };
  // Sets the drafts of all answers that get a row in the next step.
  void plan(std::span<const Answer> answers);

  AcceptanceRates& rates() { return rates_; }
  StepCost& cost() { return cost_; }

 private:
  struct Guess {
    double chance;  // that it, and all before it, are right
    size_t answer;
  };
  size_t best_count(int64_t n_answers);

  bool always_;
  AcceptanceRates rates_;
  StepCost cost_;
  std::vector<Guess> guesses_;    // best first
  std::vector<double> expected_;  // tokens that drafts bring, by answer
};

}  // namespace overtake
