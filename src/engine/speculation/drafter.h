// Drafter: what one answer is guessed to go on with, and how good such guesses have been.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/speculation/acceptance_rates.h"
#include "engine/speculation/prompt_lookup.h"

namespace overtake {

class Drafter {
 public:
  // `expected`: a text that the answer may be like, or empty.
  Drafter(std::span<const int32_t> prompt, std::span<const int32_t> expected);
  // What it learns goes into `wider` too, which must outlive this.
  void share(AcceptanceRates& wider);

  // The answer goes on with `id`.
  void push(int32_t id);
  // Guesses at most `most` tokens into draft().
  void propose(int64_t most);
  // The probability that the draft's first `n` tokens are right, given that n - 1 are.
  double chance(int64_t n) const;
  void shorten(int64_t n) { draft_.resize(static_cast<size_t>(n)); }
  std::span<const int32_t> draft() const { return draft_; }

 private:
  PromptLookup lookup_;
  AcceptanceRates rates_;
  AcceptanceRates* wider_ = nullptr;
  std::vector<int32_t> draft_;
};

}  // namespace overtake
