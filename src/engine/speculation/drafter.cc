#include "engine/speculation/drafter.h"

namespace overtake {

Drafter::Drafter(std::span<const int32_t> prompt, std::span<const int32_t> expected,
                 Sampler* sampler)
    : lookup_(expected) {
  lookup_.begin(prompt);
  if (sampler) model_.emplace(prompt, *sampler);
}

void Drafter::share(AcceptanceRates& wider) {
  wider_ = &wider;
  rates_ = AcceptanceRates(&wider);
}

void Drafter::hold_to(GrammarCursor& grammar) {
  grammar_ = &grammar;
  if (model_) model_->hold_to(grammar);
}

void Drafter::push(int32_t id) {
  if (model_) model_->push(id);
  const auto outcome = lookup_.push(id);
  if (!outcome) return;
  rates_.learn(outcome->length, outcome->right);
  if (wider_) wider_->learn(outcome->length, outcome->right);
}

void Drafter::propose(int64_t most) {
  draft_.clear();
  source_ = DraftSource::kLookup;
  if (most > 0) lookup_.propose(static_cast<size_t>(most), draft_);
  if (!grammar_ || draft_.empty()) return;
  // Past a limit the answer itself fails, not its guess.
  const auto allowed = grammar_->count_allowed(draft_);
  draft_.resize(allowed.ok() ? *allowed : 0);
}

void Drafter::take_model_guesses() {
  draft_.assign(model_->guesses().begin(), model_->guesses().end());
  source_ = DraftSource::kModel;
}

double Drafter::chance(int64_t n) const {
  if (source_ == DraftSource::kModel) return model_->chance(n);
  return rates_.rate(lookup_.length().value_or(0) + static_cast<int>(n) - 1);
}

}  // namespace overtake
