#include "engine/speculation/draft_planner.h"

#include <algorithm>

namespace overtake {
namespace {

constexpr int64_t kMaxDraft = 31;  // with the token before them two full panels of rows
constexpr double kLeastChance = 0.03;
// What a plan must promise, as a multiple of the tokens a second without drafts, for all answers
// together and for each: estimates err, and a step back costs nothing.
constexpr double kLeastGain = 1.05;
constexpr double kLeastEach = 0.97;

}  // namespace

// How many of the guesses, from the best on, bring most.
size_t DraftPlanner::best_count(int64_t n_answers) {
  const int64_t most =
      std::min<int64_t>(static_cast<int64_t>(guesses_.size()), StepCost::kMaxRows - n_answers);
  const double plain = cost_.of(n_answers);
  double best_gain = kLeastGain, all = 0;
  size_t best = 0;
  expected_.assign(static_cast<size_t>(n_answers), 0);
  for (int64_t m = 1; m <= most; ++m) {
    const Guess& guess = guesses_[static_cast<size_t>(m - 1)];
    all += guess.chance;
    expected_[guess.answer] += guess.chance;
    const double slower = cost_.of(n_answers + m) / plain;
    const double gain = (1 + all / static_cast<double>(n_answers)) / slower;
    if (gain <= best_gain) continue;
    const double least = *std::min_element(expected_.begin(), expected_.end());
    if ((1 + least) / slower < kLeastEach) continue;
    best_gain = gain;
    best = static_cast<size_t>(m);
  }
  return best;
}

void DraftPlanner::add_model(const LocalModel& target, const LocalModel& draft, int64_t max_pages) {
  model_ = std::make_unique<ModelDrafting>(target, draft, max_pages, cost_, always_);
}

void DraftPlanner::admit(Drafter& drafter) {
  drafter.share(rates_);
  if (model_ && drafter.model()) model_->admit(*drafter.model());
}

void DraftPlanner::learn(int64_t n_rows, double us, int64_t n_written) {
  // What a step takes behind a pass of the draft model that brought no guess is not its own doing.
  const bool usual = !model_ || model_->idle() || n_drafted_ > 0;
  if (usual) cost_.learn(n_rows, n_drafted_, us);
  if (model_) model_->settle(n_rows, us, n_written);
}

void DraftPlanner::plan(std::span<const Answer> answers, bool with_model) {
  guesses_.clear();
  const auto n_answers = static_cast<int64_t>(answers.size());
  for (const Answer& answer : answers) {
    const int64_t most = n_answers < StepCost::kMaxRows ? std::min(answer.most, kMaxDraft) : 0;
    answer.drafter->propose(most);
  }
  if (model_) model_->draft(with_model ? answers : std::span<const Answer>());
  for (size_t i = 0; i < answers.size(); ++i) {
    Drafter& drafter = *answers[i].drafter;
    double chance = 1;
    for (size_t n = 1; n <= drafter.draft().size(); ++n) {
      chance *= drafter.chance(static_cast<int64_t>(n));
      if (chance < kLeastChance && !always_) break;
      guesses_.push_back({chance, i});
    }
  }
  // Those of one answer fall, so the first of them are an answer's draft.
  std::sort(guesses_.begin(), guesses_.end(),
            [](const Guess& a, const Guess& b) { return a.chance > b.chance; });
  if (!always_ && !guesses_.empty()) guesses_.resize(best_count(n_answers));
  n_drafted_ = static_cast<int64_t>(guesses_.size());
  expected_.assign(answers.size(), 0);
  for (const Guess& guess : guesses_) ++expected_[guess.answer];
  for (size_t i = 0; i < answers.size(); ++i) {
    answers[i].drafter->shorten(static_cast<int64_t>(expected_[i]));
  }
}

}  // namespace overtake
