// Drafter: what one answer is guessed to go on with, and how good such guesses have been.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/speculation/acceptance_rates.h"
#include "engine/speculation/model_draft.h"
#include "engine/speculation/prompt_lookup.h"
#include "token/grammar/grammar_cursor.h"

namespace overtake {

enum class DraftSource { kLookup, kModel };

class Drafter {
 public:
  // `expected`: a text that the answer may be like, or empty. With the answer's `sampler` there is
  // a place for a draft model's guesses.
  Drafter(std::span<const int32_t> prompt, std::span<const int32_t> expected,
          Sampler* sampler = nullptr);
  // What it learns goes into `wider` too, which must outlive this.
  void share(AcceptanceRates& wider);
  // Only what the answer's `grammar` allows is guessed. It stands where the answer does and
  // outlives this.
  void hold_to(GrammarCursor& grammar);
  ModelDraft* model() { return model_ ? &*model_ : nullptr; }

  // The answer goes on with `id`.
  void push(int32_t id);
  // Guesses at most `most` tokens into draft(), by prompt lookup.
  void propose(int64_t most);
  // The draft model's guesses are the draft.
  void take_model_guesses();
  // The probability that the draft's first `n` tokens are right, given that n - 1 are.
  double chance(int64_t n) const;
  void shorten(int64_t n) { draft_.resize(static_cast<size_t>(n)); }
  std::span<const int32_t> draft() const { return draft_; }
  DraftSource source() const { return source_; }

 private:
  GrammarCursor* grammar_ = nullptr;
  PromptLookup lookup_;
  AcceptanceRates rates_;
  AcceptanceRates* wider_ = nullptr;
  std::optional<ModelDraft> model_;
  DraftSource source_ = DraftSource::kLookup;
  std::vector<int32_t> draft_;
};

// An answer that gets a row in the next step.
struct DraftedAnswer {
  Drafter* drafter;
  int64_t most;  // tokens that it may be ahead
};

}  // namespace overtake
