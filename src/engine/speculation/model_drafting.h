// ModelDrafting: when a draft model guesses, for which answers and how far. Its passes take time
// before a step, so it guesses where the tokens that this may bring outweigh that time, by what
// both models' steps take here and by how often its guesses have held. What it loses where they do
// not hold stays within a DraftBudget.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/speculation/draft_budget.h"
#include "engine/speculation/draft_model.h"
#include "engine/speculation/drafter.h"
#include "engine/speculation/step_cost.h"

namespace overtake {

// The scheduler thread's.
class ModelDrafting {
 public:
  // Both models and `cost`, of the target's steps, must outlive this. `always`: it guesses whatever
  // that costs, to test by.
  ModelDrafting(const LocalModel& target, const LocalModel& draft, int64_t max_pages,
                const StepCost& cost, bool always);

  StatePool& pool() { return model_.pool(); }
  void admit(ModelDraft& answer);
  // Guesses where it pays, and takes these guesses as drafts. `answers` have their drafts by prompt
  // lookup already, which stay where they promise more; none: the step is not for guesses.
  void draft(std::span<const DraftedAnswer> answers);
  // Whether draft() needed no pass of the model.
  bool idle() const { return spent_us_ == 0; }
  // The step after draft() had `n_rows` rows, took `us` and brought `n_written` tokens.
  void settle(int64_t n_rows, double us, int64_t n_written);

 private:
  // An answer that is to be guessed at.
  struct Willing {
    Drafter* drafter;
    ModelDraft* draft;
    int64_t room;         // for guesses
    double chance = 1;    // that all guesses so far are right
    double expected = 0;  // guesses that are
    bool goes_on = true;
  };
  bool rests();
  bool prefers_lookup(const DraftedAnswer& answer) const;
  void choose_willing(std::span<const DraftedAnswer> answers);
  bool is_behind(const ModelDraft& draft) const;
  double best_gain(bool surely);
  double gain(const std::vector<double>& expected, int64_t n_rows, double us) const;
  bool look();
  void catch_up_all();
  bool catch_up(ModelDraft& draft);
  bool begin_at(ModelDraft& draft, int64_t n_tokens);
  bool read_behind(ModelDraft& draft);
  bool goes_on();
  void round();
  Tensor read(std::span<const DraftModel::Part> parts, Phase phase);
  std::span<const float> fitted(std::span<const float> logits);
  double pass_us(int64_t n_rows) const;
  double row_us() const;

  DraftModel model_;
  const StepCost& cost_;
  const bool always_;
  const int64_t target_vocab_;
  const double weight_ratio_;  // bytes of the draft model's weights, of the target's
  MarginRates rates_;
  StepCost pass_cost_;         // of its passes of few rows
  double learned_row_us_ = 0;  // of a row when many are read
  DraftBudget budget_;

  int64_t n_answers_ = 0;  // in the step
  std::vector<Willing> willing_;
  int64_t n_rounds_ = 0, n_guesses_ = 0;
  double round_us_ = 0;  // of the rounds of this step
  double spent_us_ = 0;  // of all passes before this step
  int64_t n_tried_ = 0;  // steps with guesses, ever
  int64_t steps_drafted_ = 0, rest_ = 0;
  int64_t steps_since_look_ = 0, look_gap_;
  std::vector<DraftModel::Part> parts_;
  std::vector<float> fitted_;
  std::vector<double> projected_, chances_;  // by willing answer
};

}  // namespace overtake
