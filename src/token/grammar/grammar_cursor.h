// GrammarCursor: where one answer stands in its grammar, what may come next, and what has to.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "token/grammar/grammar_masks.h"
#include "token/tokenizer.h"

namespace overtake {

// One thread's at a time.
class GrammarCursor {
 public:
  using State = GrammarMasks::State;

  // `tokenizer` outlives it and is the one that the masks' vocabulary is of.
  static Result<GrammarCursor> begin(std::shared_ptr<GrammarMasks> masks,
                                     const Tokenizer& tokenizer);

  // What may come next, as TokenMask; good until the next call. Errors: GrammarMasks::allowed.
  Result<std::span<const uint64_t>> allowed();
  // The token that has to come next, where nothing else may: it needs no look at the model. Of a
  // text that has to come, tokens are those that the tokenizer makes of it behind the text before
  // it, so that the model reads what it has learned from. Those at its end, which could as well be
  // the beginning of a longer token, are left to the model.
  std::optional<int32_t> forced() const;
  // Nothing may come any more.
  bool is_over() const { return over_; }
  // The answer goes on with `id`, which is allowed and does not end it.
  Status accept(int32_t id);

  // ---- guesses at what comes
  // How many of `ids`, from the first, the grammar allows in turn.
  Result<size_t> count_allowed(std::span<const int32_t> ids);
  // What may come after all of `ids`; false where they are not allowed or end the answer.
  Result<bool> allowed_after(std::span<const int32_t> ids, TokenMask& mask);

 private:
  GrammarCursor(std::shared_ptr<GrammarMasks> masks, const Tokenizer& tokenizer)
      : masks_(std::move(masks)), tokenizer_(&tokenizer), state_(masks_->start()) {}
  Status look_ahead();
  std::optional<std::vector<int32_t>> encode_behind(std::string_view before,
                                                    std::string_view run) const;
  std::vector<int32_t> longest_tokens(std::string_view run) const;
  bool may_be_longer(std::string_view rest, State end) const;

  std::shared_ptr<GrammarMasks> masks_;
  const Tokenizer* tokenizer_;
  State state_;
  bool over_ = false;
  std::string behind_;          // the end of the text so far, at a token's border
  std::deque<int32_t> forced_;  // that come next
  TokenMask mask_;
};

}  // namespace overtake
