#include "engine/speculation/model_draft.h"

#include <algorithm>

#include "base/check.h"

namespace overtake {

ModelDraft::ModelDraft(std::span<const int32_t> prompt, Sampler& sampler)
    : sampler_(sampler),
      n_prompt_(static_cast<int64_t>(prompt.size())),
      text_(prompt.begin(), prompt.end()) {}

void ModelDraft::share(MarginRates& wider, int64_t vocab_size) {
  wider_ = &wider;
  rates_ = MarginRates(&wider);
  vocab_size_ = vocab_size;
  const auto foreign = [&](int32_t id) { return id >= vocab_size_; };
  if (std::ranges::any_of(text_, foreign)) give_up();
}

void ModelDraft::give_up() {
  usable_ = false;
  state_.reset();
  guesses_.clear();
  margins_.clear();
}

void ModelDraft::learn(float margin, bool right) {
  rates_.learn(margin, right);
  if (wider_) wider_->learn(margin, right);
}

void ModelDraft::push(int32_t id) {
  text_.push_back(id);
  if (id >= vocab_size_) give_up();
  if (!in_proof_) return;
  if (n_proved_ == guesses_.size()) {
    in_proof_ = false;
    return;
  }
  const bool right = guesses_[n_proved_] == id;
  learn(margins_[n_proved_], right);
  if (right) {
    if (static_cast<int64_t>(n_proved_) < n_guesses_read_) ++n_known_;
    ++n_proved_;
  } else {
    in_proof_ = false;
  }
}

void ModelDraft::restart(StatePool& pool, int64_t begin) {
  state_.emplace(pool);
  begin_ = begin;
  n_known_ = n_guesses_read_ = 0;
}

void ModelDraft::adopt(SequenceState state) {
  state_.emplace(std::move(state));
  begin_ = n_guesses_read_ = 0;
  n_known_ = state_->n_tokens();
}

std::optional<SequenceState> ModelDraft::release(int64_t n_tokens) {
  if (!state_ || begin_ != 0) return std::nullopt;
  std::optional<SequenceState> out = std::move(state_);
  state_.reset();
  out->truncate(std::min(n_known_, n_tokens));
  return out;
}

void ModelDraft::begin_round() {
  guesses_.clear();
  margins_.clear();
  n_proved_ = 0;
  in_proof_ = true;
  n_guesses_read_ = 0;
  // There have to be logits behind the text's last token, so it is read once more if it must be.
  n_known_ = std::min(n_known_, n_tokens() - begin_ - 1);
  if (state_) state_->truncate(n_known_);
}

std::span<const int32_t> ModelDraft::next_ids(int64_t most) {
  if (!guesses_.empty()) return std::span(guesses_).last(1);
  const std::span<const int32_t> unread = std::span(text_).subspan(begin_ + n_known_);
  return unread.first(std::min(unread.size(), static_cast<size_t>(most)));
}

std::optional<ModelDraft::Drawn> ModelDraft::draw(std::span<const float> logits, int64_t n_text,
                                                  std::span<const uint64_t> allowed) {
  const std::span<const int32_t> text = std::span(text_).first(n_text);
  const auto id = sampler_.sample(logits, text.first(n_prompt_), text.subspan(n_prompt_), allowed);
  if (!id) return std::nullopt;
  const auto at = static_cast<size_t>(*id);
  const float other =
      std::max(largest_finite(logits.first(at)), largest_finite(logits.subspan(at + 1)));
  return Drawn{*id, logits[at] - other};
}

// What the grammar allows behind the guesses so far; false where nothing is, or it is not known.
bool ModelDraft::find_allowed() {
  const auto found = grammar_->allowed_after(guesses_, allowed_);
  return found.ok() && *found;
}

std::optional<int32_t> ModelDraft::guess(std::span<const float> logits) {
  if (grammar_ && !find_allowed()) return std::nullopt;
  const int64_t n_text = n_tokens();
  text_.insert(text_.end(), guesses_.begin(), guesses_.end());
  const auto drawn = draw(logits, static_cast<int64_t>(text_.size()), allowed_);
  text_.resize(static_cast<size_t>(n_text));
  if (!drawn) return std::nullopt;
  guesses_.push_back(drawn->id);
  margins_.push_back(drawn->margin);
  return drawn->id;
}

void ModelDraft::look_back(int64_t position, std::span<const float> logits) {
  OVERTAKE_CHECK(position + 1 >= n_prompt_ && position + 1 < n_tokens());
  if (const auto drawn = draw(logits, position + 1)) {
    learn(drawn->margin, drawn->id == text_[static_cast<size_t>(position + 1)]);
  }
}

}  // namespace overtake
