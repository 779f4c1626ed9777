#include "engine/sequence.h"

#include <random>

namespace overtake {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

}  // namespace

Sequence::Sequence(const LocalModel& model, GenerateRequest request, std::vector<int32_t> prompt,
                   int64_t max_new)
    : model_(model),
      request_(std::move(request)),
      stream_(std::make_shared<AnswerStream>()),
      ids_(std::move(prompt)),
      n_prompt_(static_cast<int64_t>(ids_.size())),
      max_new_(max_new),
      sampler_(request_.sampling, request_.sampling.seed ? *request_.sampling.seed : random_seed()),
      stops_(request_.stop) {
  ids_.reserve(ids_.size() + static_cast<size_t>(std::min<int64_t>(max_new, 4096)));
  if (request_.prompt_logprobs) {
    // The first token has nothing before it that could predict it.
    prompt_logprobs_.push_back(
        {ids_[0], model_.tokenizer() ? model_.tokenizer()->token_bytes(ids_[0]) : "", 0, {}});
  }
}

TokenLogprob Sequence::logprob_entry(std::span<const float> logits, int32_t id) const {
  const auto bytes = [&](int32_t token) {
    return model_.tokenizer() ? model_.tokenizer()->token_bytes(token) : std::string();
  };
  const RowLogprobs row = row_logprobs(logits, id, request_.top_logprobs);
  TokenLogprob entry{id, bytes(id), row.chosen, {}};
  for (const auto& [other, logprob] : row.top) entry.top.push_back({other, bytes(other), logprob});
  return entry;
}

void Sequence::take_prompt_logits(int64_t position, std::span<const float> logits) {
  if (position + 1 >= n_prompt_) return;
  prompt_logprobs_.push_back(logprob_entry(logits, ids_[position + 1]));
}

Sequence::Choice Sequence::choose_next(std::span<const float> logits) {
  const std::span<const int32_t> all(ids_);
  Choice out;
  std::span<const uint64_t> allowed;
  if (grammar_) {
    if (grammar_->is_over()) return {.is_over = true};
    out.id = grammar_->forced();
    if (!out.id) {
      const auto mask = grammar_->allowed();
      if (!mask.ok()) return {.error = mask.error()};
      allowed = *mask;
    }
  }
  if (!out.id) {
    out.id = sampler_.sample(logits, all.first(n_prompt_), all.subspan(n_prompt_), allowed);
  }
  if (out.id && request_.top_logprobs >= 0) out.logprob = logprob_entry(logits, *out.id);
  return out;
}

// Whether the answer goes on behind the choice.
bool Sequence::accept(Choice& choice) {
  if (!choice.id || ends(*choice.id)) return false;
  ids_.push_back(*choice.id);
  if (!grammar_) return true;
  const Status accepted = grammar_->accept(*choice.id);
  if (!accepted.ok()) choice.error = accepted.error();
  return accepted.ok();
}

// Where log probabilities are wanted, every token is read: they come of what the model says.
void Sequence::choose_forced() {
  // Read at once with the next step, which is to stay a short one.
  constexpr int kMostAtOnce = 64;
  for (int n = 0; n < kMostAtOnce && request_.top_logprobs < 0; ++n) {
    const auto id = grammar_->forced();
    if (!id) break;
    chosen_.push_back({.id = id});
    if (!accept(chosen_.back())) return;
  }
  if (grammar_->is_over()) chosen_.push_back({.is_over = true});
}

// Each token is drawn as it would be without a draft, after the same tokens and with the same
// number of the request's random stream: a draft changes when a token is found, never which.
void Sequence::choose(Tensor logits) {
  chosen_.clear();
  const size_t n_ids = ids_.size();
  n_confirmed_ = static_cast<int64_t>(n_ids);
  if (max_new_ == 0) return;  // only the prompt was asked about
  bool goes_on = true;
  for (int64_t row = 0; row < logits.rows; ++row) {
    chosen_.push_back(choose_next(logits.row_span(row)));
    const auto id = chosen_.back().id;
    goes_on = accept(chosen_.back());
    if (!goes_on || row + 1 == logits.rows) break;
    if (drafter_->draft()[static_cast<size_t>(row)] != *id) break;
    ++n_confirmed_;
  }
  if (goes_on && grammar_) choose_forced();
  ids_.resize(n_ids);
}

void Sequence::start(int64_t now) {
  started_ = true;
  first_token_at_us = now;
  stream_->push(StartedEvent{request_.model, n_prompt_, std::move(prompt_logprobs_)});
}

void Sequence::emit(std::string text, bool last) {
  bytes_shown_ += text.size();
  std::vector<TokenLogprob> entries;
  while (!waiting_.empty() && (last || waiting_.front().offset < bytes_shown_)) {
    entries.push_back(std::move(waiting_.front().entry));
    waiting_.pop_front();
  }
  if (text.empty() && entries.empty()) return;
  stream_->push(TextEvent{std::move(text), std::move(entries)});
}

bool Sequence::advance(int64_t now) {
  if (!started_) start(now);
  if (max_new_ == 0) {
    finish(FinishReason::kLength, now);
    return true;
  }
  const bool by_model = drafter_ && drafter_->source() == DraftSource::kModel;
  Drafted& drafted = by_model ? by_model_ : by_lookup_;
  if (drafter_) drafted.tried += static_cast<int64_t>(drafter_->draft().size());
  const int64_t n_agreed = n_confirmed_ - static_cast<int64_t>(ids_.size());
  for (size_t i = 0; i < chosen_.size(); ++i) {
    if (static_cast<int64_t>(i) < n_agreed) ++drafted.accepted;
    if (take(chosen_[i], now)) return true;
  }
  return false;
}

bool Sequence::take(Choice& choice, int64_t now) {
  if (choice.is_over) {
    finish(FinishReason::kStop, now);
    return true;
  }
  if (choice.error) {
    fail(std::move(*choice.error), false);
    return true;
  }
  if (!choice.id) {
    fail(
        {ErrorCode::kInternal, "the model's output is not a number; " + model_.checkpoint().path() +
                                   "; its weights are damaged, get it again"},
        false);
    return true;
  }
  const int32_t id = *choice.id;
  ids_.push_back(id);
  if (drafter_) drafter_->push(id);
  if (ends(id)) {  // which has no text, and no log probability to go with it
    finish(FinishReason::kStop, now);
    return true;
  }
  if (choice.logprob) waiting_.push_back({std::move(*choice.logprob), bytes_chosen_});
  const std::string bytes = model_.tokenizer() ? model_.tokenizer()->token_bytes(id) : "";
  bytes_chosen_ += bytes.size();
  StopMatcher::Output out = stops_.push(characters_.push(bytes));
  const bool stopped = !out.matched.empty();
  stop_sequence_ = std::move(out.matched);
  emit(std::move(out.text), false);
  if (stopped) {
    waiting_.clear();
    finish(FinishReason::kStop, now);
    return true;
  }
  if (n_generated() < max_new_) return false;
  finish(FinishReason::kLength, now);
  return true;
}

void Sequence::finish(FinishReason reason, int64_t now) {
  if (!started_) start(now);
  if (stop_sequence_.empty()) {
    StopMatcher::Output out = stops_.push(characters_.finish());
    stop_sequence_ = std::move(out.matched);
    emit(out.text + stops_.finish(), stop_sequence_.empty());
    if (!stop_sequence_.empty()) reason = FinishReason::kStop;
  }
  stream_->push(UsageEvent{.prompt_tokens = n_prompt_,
                           .cached_tokens = n_cached,
                           .completion_tokens = n_generated(),
                           .accepted_draft_tokens = by_lookup_.accepted + by_model_.accepted,
                           .rejected_draft_tokens = by_lookup_.tried - by_lookup_.accepted +
                                                    by_model_.tried - by_model_.accepted,
                           .accepted_model_guesses = by_model_.accepted,
                           .rejected_model_guesses = by_model_.tried - by_model_.accepted,
                           .queued_us = admitted_at_us - queued_at_us,
                           .prefill_us = first_token_at_us - admitted_at_us,
                           .decode_us = now - first_token_at_us});
  stream_->push(FinishedEvent{reason, stop_sequence_});
}

void Sequence::fail(Error error, bool retryable) {
  stream_->push(FailedEvent{std::move(error), retryable});
}

}  // namespace overtake
