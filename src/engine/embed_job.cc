// Why the mean: a decoder's last state has seen the whole text, but it was trained to foretell the
// one token that comes next, so a full stop at the end changes all of it. The mean of all states
// is about the whole text where nothing was trained to gather it in one. It is over every token
// that the model reads, a start token among them, as sentence-transformers has it.
#include "engine/embed_job.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace overtake {
namespace {

// A character that was cut within goes as a whole.
void drop_broken_end(std::string& text) {
  size_t begin = text.size();
  while (begin > 0 && (text[begin - 1] & 0xC0) == 0x80) --begin;
  if (begin > 0 && (text[begin - 1] & 0x80) != 0) text.resize(begin - 1);
}

}  // namespace

EmbedJob::EmbedJob(const LocalModel& model, EmbedRequest request, int64_t context_length)
    : model_(model),
      request_(std::move(request)),
      context_length_(context_length),
      stream_(std::make_shared<AnswerStream>()) {
  StartedEvent started;
  started.model = request_.model;
  stream_->push(std::move(started));
}

Error EmbedJob::too_long(int64_t index, const std::string& size) const {
  return {ErrorCode::kContextLength,
          fmt::format("This model's maximum context length is {} tokens. However, input {} has {}. "
                      "Please reduce the length of the input.",
                      context_length_, index, size)};
}

int64_t EmbedJob::size_of(int64_t index) const {
  const auto& content = request_.inputs[static_cast<size_t>(index)].content;
  const auto* text = std::get_if<TextPrompt>(&content);
  return text ? static_cast<int64_t>(text->text.size()) : 0;
}

Result<EmbedTokens> EmbedJob::read(int64_t index) const {
  const auto& content = request_.inputs[static_cast<size_t>(index)].content;
  EmbedTokens out;
  if (const auto* ids = std::get_if<TokenPrompt>(&content)) {
    out.ids = TRY(model_.tokens_of(*ids));
  } else {
    TextPrompt text = std::get<TextPrompt>(content);
    const int64_t n_bytes = static_cast<int64_t>(text.text.size());
    if (n_bytes > model_.max_prompt_bytes()) {
      if (!request_.truncate) {
        return too_long(index,
                        fmt::format("{} bytes, more than that many tokens can hold", n_bytes));
      }
      // What is cut off here could not have fitted, whatever tokens the text has.
      text.text.resize(static_cast<size_t>(model_.max_prompt_bytes()));
      drop_broken_end(text.text);
      out.truncated = true;
    }
    out.ids = TRY(model_.tokens_of(text));
  }
  const int64_t n_ids = static_cast<int64_t>(out.ids.size());
  if (n_ids > context_length_) {
    if (!request_.truncate) return too_long(index, fmt::format("{} tokens", n_ids));
    out.ids.resize(static_cast<size_t>(context_length_));
    out.truncated = true;
  }
  return out;
}

void EmbedJob::take(int64_t index, const EmbedTokens& tokens, std::span<const double> sum,
                    int64_t now) {
  if (over_) return;
  const int64_t width = static_cast<int64_t>(sum.size());
  auto vector = unit_vector(sum, request_.dimensions.value_or(width));
  if (!vector.ok()) {
    const std::string& path = model_.checkpoint().path();
    return fail({ErrorCode::kInternal, fmt::format("{}; {}; its weights are damaged, get it again",
                                                   vector.error().message, path)},
                false);
  }
  stream_->push(EmbeddingEvent{static_cast<size_t>(index), std::move(*vector), tokens.truncated});
  n_tokens_ += static_cast<int64_t>(tokens.ids.size());
  if (++n_done_ < n_inputs()) return;
  over_ = true;
  stream_->push(UsageEvent{.prompt_tokens = n_tokens_,
                           .queued_us = admitted_at_us - queued_at_us,
                           .prefill_us = now - admitted_at_us});
  stream_->push(FinishedEvent{});
}

void EmbedJob::fail(Error error, bool retryable) {
  if (over_) return;
  over_ = true;
  stream_->push(FailedEvent{std::move(error), retryable});
}

void EmbedJob::check(int64_t now) {
  if (over_) return;
  if (stream_->cancelled()) {
    over_ = true;
    stream_->push(FinishedEvent{FinishReason::kCancelled});
  } else if (request_.deadline_us && *request_.deadline_us < now) {
    fail({ErrorCode::kDeadline,
          "the request's deadline has passed; ask for less or allow more time"},
         true);
  }
}

Result<std::vector<float>> unit_vector(std::span<const double> sum, int64_t dimensions) {
  const auto kept = sum.first(static_cast<size_t>(dimensions));
  double squares = 0;
  for (const double value : kept) squares += value * value;
  if (!(squares > 0) || !std::isfinite(squares)) {
    return Error{ErrorCode::kInternal, "the model's output has no direction"};
  }
  const double scale = 1 / std::sqrt(squares);
  std::vector<float> out(kept.size());
  std::transform(kept.begin(), kept.end(), out.begin(),
                 [&](double value) { return static_cast<float>(value * scale); });
  return out;
}

}  // namespace overtake
