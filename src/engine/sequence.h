// Sequence: one request while the scheduler works on it, from its prompt to its last event.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/generator.h"
#include "engine/local_model.h"
#include "engine/sampler.h"
#include "engine/speculation/drafter.h"
#include "engine/stop_matcher.h"
#include "tensor/sequence_state.h"
#include "tensor/tensor.h"
#include "token/grammar/grammar_cursor.h"

namespace overtake {

// Owned by the scheduler's thread once it is queued.
class Sequence {
 public:
  // `request`'s sampling is complete (LocalModel::with_defaults) and `prompt` not empty; it may
  // write at most `max_new` tokens.
  Sequence(const LocalModel& model, GenerateRequest request, std::vector<int32_t> prompt,
           int64_t max_new);

  const GenerateRequest& request() const { return request_; }
  const std::shared_ptr<AnswerStream>& stream() const { return stream_; }
  // Prompt and answer so far; all but the last generated token have been read by the model.
  const std::vector<int32_t>& ids() const { return ids_; }
  int64_t n_prompt() const { return n_prompt_; }
  int64_t n_generated() const { return static_cast<int64_t>(ids_.size()) - n_prompt_; }
  int64_t max_new() const { return max_new_; }
  // Guesses how the answer goes on; null where that is of no use.
  Drafter* drafter() { return drafter_ ? &*drafter_ : nullptr; }
  std::span<const int32_t> draft() const {
    return drafter_ ? drafter_->draft() : std::span<const int32_t>();
  }
  // `with_model`: there is a draft model that guesses too.
  void draft_from(std::span<const int32_t> expected, bool with_model) {
    drafter_.emplace(ids_, expected, with_model ? &sampler_ : nullptr);
    if (grammar_) drafter_->hold_to(*grammar_);
  }

  // The answer is one that the grammar allows. Before draft_from().
  void hold_to(GrammarCursor grammar) { grammar_.emplace(std::move(grammar)); }

  // ---- what the scheduler keeps here
  std::optional<SequenceState> state;  // set when admitted; n_tokens() of it have been read
  int64_t n_cached = 0;                // of the prompt, found in an earlier state
  int64_t queued_at_us = 0, admitted_at_us = 0, first_token_at_us = 0;
  int64_t rows_in_step = 0;  // of the batch under way

  // Ids that the model has not read yet, and whether they end where the next token is chosen.
  int64_t n_unread() const { return static_cast<int64_t>(ids_.size()) - state->n_tokens(); }

  // ---- results of a step
  // Logits of prompt position `position`, where prompt log probabilities are wanted.
  void take_prompt_logits(int64_t position, std::span<const float> logits);
  // Chooses the next tokens: from the first row of logits the one after ids(), from each further
  // row the one after the next token of the draft, while what was chosen is the draft. What a
  // grammar forces to come behind them is chosen too, without having been read. Safe to run beside
  // other sequences'.
  void choose(Tensor logits);
  // Of ids(), how many have been read for good: those before choose(), and the draft's as far as
  // they were chosen.
  int64_t n_confirmed() const { return n_confirmed_; }
  // Emits what choose() found. Returns whether the sequence has ended; its ids end there too.
  bool advance(int64_t now_us);

  void finish(FinishReason reason, int64_t now_us);
  void fail(Error error, bool retryable);

 private:
  struct Choice {
    std::optional<int32_t> id = {};
    std::optional<TokenLogprob> logprob = {};
    std::optional<Error> error = {};
    bool is_over = false;  // nothing comes any more, by the grammar
  };
  Choice choose_next(std::span<const float> logits);
  bool accept(Choice& choice);
  void choose_forced();
  // A grammar's end is not gone past.
  bool ends(int32_t id) const { return (grammar_ || !request_.ignore_end) && model_.ends(id); }
  bool take(Choice& choice, int64_t now_us);
  void start(int64_t now_us);
  void emit(std::string text, bool last);
  TokenLogprob logprob_entry(std::span<const float> logits, int32_t id) const;

  const LocalModel& model_;
  GenerateRequest request_;
  std::shared_ptr<AnswerStream> stream_;
  std::vector<int32_t> ids_;
  int64_t n_prompt_;
  int64_t max_new_;
  Sampler sampler_;
  Utf8Stream characters_;
  StopMatcher stops_;
  std::string stop_sequence_;
  bool started_ = false;

  std::optional<GrammarCursor> grammar_;
  std::optional<Drafter> drafter_;
  int64_t n_confirmed_ = 0;
  std::vector<Choice> chosen_;
  struct Drafted {
    int64_t tried = 0, accepted = 0;
  };
  Drafted by_lookup_, by_model_;
  std::vector<TokenLogprob> prompt_logprobs_;
  // Log probabilities wait until the text of their token is shown.
  struct Waiting {
    TokenLogprob entry;
    size_t offset;  // of the token's first byte in the answer
  };
  std::deque<Waiting> waiting_;
  size_t bytes_chosen_ = 0;
  size_t bytes_shown_ = 0;
};

}  // namespace overtake
