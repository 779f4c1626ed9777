// ModelDraft: what a draft model has read of one answer, what it guesses to come next, and how good
// its guesses have been.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/sampler.h"
#include "engine/speculation/acceptance_rates.h"
#include "tensor/sequence_state.h"
#include "token/grammar/grammar_cursor.h"

namespace overtake {

// One thread's. The state may begin behind the text's first token: a guess from the last page of a
// long text costs less than reading all of it.
class ModelDraft {
 public:
  // `sampler` is the answer's own and must outlive this: a guess is drawn as the answer's tokens
  // are, with the same random numbers, so that models that agree draw the same token.
  ModelDraft(std::span<const int32_t> prompt, Sampler& sampler);
  // What it learns goes into `wider` too. The draft model has ids below `vocab_size`.
  void share(MarginRates& wider, int64_t vocab_size);

  // Guesses are drawn from what the answer's `grammar` allows. It outlives this.
  void hold_to(GrammarCursor& grammar) { grammar_ = &grammar; }

  // ---- the text
  void push(int32_t id);
  int64_t n_tokens() const { return static_cast<int64_t>(text_.size()); }
  int64_t n_generated() const { return n_tokens() - n_prompt_; }
  // No id is foreign to the draft model, and none of its passes has failed.
  bool usable() const { return usable_; }
  void give_up();

  // ---- what the draft model has read of it
  // Forgets what was read, and begins to read at position `begin`.
  void restart(StatePool& pool, int64_t begin);
  // The state of an earlier request whose text is the beginning of this one's.
  void adopt(SequenceState state);
  // The state, cut to at most `n_tokens`, if it begins where the text does; nothing of it stays.
  std::optional<SequenceState> release(int64_t n_tokens);
  bool started() const { return state_.has_value(); }
  int64_t begin() const { return begin_; }
  int64_t n_unread() const { return n_tokens() - begin_ - (state_ ? n_known_ : 0); }
  SequenceState& state() { return *state_; }
  // At most `most` of the ids to read next: the text's, then the last guess.
  std::span<const int32_t> next_ids(int64_t most);
  // They were read. Of the text's tokens; of the last guess, before the next is taken.
  void has_read(int64_t n_text_tokens) { n_known_ += n_text_tokens; }
  void has_read_guess() { ++n_guesses_read_; }

  // ---- guesses
  // Those of the last round are forgotten, and what was read of them.
  void begin_round();
  // The next guess, from logits of the row behind the text and the guesses so far. Nullopt where
  // they are no numbers.
  std::optional<int32_t> guess(std::span<const float> logits);
  // Learns from the logits of the row of position `position` what would have been guessed there:
  // the text goes on with the next token.
  void look_back(int64_t position, std::span<const float> logits);
  std::span<const int32_t> guesses() const { return guesses_; }
  // The probability that the n-th guess, from 1, is right, given that those before it are.
  double chance(int64_t n) const { return rates_.rate(margins_[static_cast<size_t>(n - 1)]); }
  // That of a guess of which nothing is known yet.
  double mean_chance() const { return rates_.mean(); }

 private:
  struct Drawn {
    int32_t id;
    float margin;
  };
  std::optional<Drawn> draw(std::span<const float> logits, int64_t n_text,
                            std::span<const uint64_t> allowed = {});
  bool find_allowed();
  void learn(float margin, bool right);

  Sampler& sampler_;
  const int64_t n_prompt_;
  int64_t vocab_size_ = INT64_MAX;
  bool usable_ = true;
  MarginRates rates_;
  MarginRates* wider_ = nullptr;

  std::vector<int32_t> text_;
  std::optional<SequenceState> state_;
  int64_t begin_ = 0;    // of the state in the text
  int64_t n_known_ = 0;  // tokens of the text in the state; guesses that were read follow them
  int64_t n_guesses_read_ = 0;

  GrammarCursor* grammar_ = nullptr;
  TokenMask allowed_;
  std::vector<int32_t> guesses_;
  std::vector<float> margins_;
  size_t n_proved_ = 0;  // of them, by the text
  bool in_proof_ = false;
};

}  // namespace overtake
