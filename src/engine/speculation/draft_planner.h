// DraftPlanner: how many guessed tokens of which answers are worth a row in the next step. A guess
// is tried where the tokens that it may bring outweigh the time that its row takes, and never at
// the expense of an answer beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/speculation/acceptance_rates.h"
#include "engine/speculation/drafter.h"
#include "engine/speculation/model_drafting.h"
#include "engine/speculation/speculation.h"
#include "engine/speculation/step_cost.h"

namespace overtake {

class DraftPlanner {
 public:
  explicit DraftPlanner(bool always = false) : always_(always) {}
  // A draft model guesses too, where that pays.
  void add_model(const LocalModel& target, const LocalModel& draft, int64_t max_pages);
  ModelDrafting* model() { return model_.get(); }

  using Answer = DraftedAnswer;
  // An answer that is not among those of plan() before.
  void admit(Drafter& drafter);
  // Sets the drafts of all answers that get a row in the next step. `with_model`: the step reads no
  // prompts, so that it is known what it takes.
  void plan(std::span<const Answer> answers, bool with_model = false);
  // That step, of `n_rows` rows, took `us` and brought `n_written` tokens.
  void learn(int64_t n_rows, double us, int64_t n_written);

  AcceptanceRates& rates() { return rates_; }
  StepCost& cost() { return cost_; }

 private:
  struct Guess {
    double chance;  // that it, and all before it, are right
    size_t answer;
  };
  size_t best_count(int64_t n_answers);

  bool always_;
  int64_t n_drafted_ = 0;  // rows of the step that are guesses
  AcceptanceRates rates_;
  StepCost cost_;
  std::unique_ptr<ModelDrafting> model_;
  std::vector<Guess> guesses_;    // best first
  std::vector<double> expected_;  // tokens that drafts bring, by answer
};

}  // namespace overtake
