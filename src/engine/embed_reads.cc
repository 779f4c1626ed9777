#include "engine/embed_reads.h"

#include <algorithm>

#include "base/time.h"

namespace overtake {
namespace {

// Inputs that are read at once: enough that short ones fill a step.
constexpr int64_t kMaxActive = 16;
// Text of which a step makes tokens, so that nobody waits long for it; one input is always read.
constexpr int64_t kTextBytesPerStep = 16 << 10;

}  // namespace

Status EmbedReads::submit(std::shared_ptr<EmbedJob> job) {
  job->queued_at_us = now_us();
  const std::lock_guard lock(mutex_);
  if (static_cast<int64_t>(queue_.size()) >= max_queued_) {
    return Error{ErrorCode::kExhausted,
                 "too many requests are waiting for this model; try again in a while"};
  }
  queue_.push_back(std::move(job));
  return {};
}

bool EmbedReads::any() const {
  const std::lock_guard lock(mutex_);
  return !active_.empty() || next_ || !queue_.empty();
}

int64_t EmbedReads::pages_promised() const {
  int64_t pages = 0;
  for (const Read& read : active_) {
    pages += (static_cast<int64_t>(read.tokens.ids.size()) + kPageTokens - 1) / kPageTokens;
  }
  return pages;
}

void EmbedReads::begin_step(int64_t now) {
  text_budget_ = kTextBytesPerStep;
  for (const Read& read : active_) read.job->check(now);
  std::erase_if(active_, [](const Read& read) { return read.job->over(); });
  if (next_) next_->job->check(now);
  if (next_ && next_->job->over()) next_.reset();
  const std::lock_guard lock(mutex_);
  for (const auto& job : queue_) job->check(now);
  if (!queue_.empty() && queue_.front()->over()) n_begun_ = 0;
  std::erase_if(queue_, [](const auto& job) { return job->over(); });
}

std::optional<int64_t> EmbedReads::next_arrival() {
  while (!next_) {
    if (n_active() >= kMaxActive || text_budget_ <= 0) return std::nullopt;
    std::shared_ptr<EmbedJob> job;
    int64_t index = 0;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return std::nullopt;
      job = queue_.front();
      index = n_begun_++;
      if (job->over() || n_begun_ == job->n_inputs()) {
        queue_.pop_front();
        n_begun_ = 0;
      }
    }
    if (job->over()) continue;
    text_budget_ -= job->size_of(index);
    auto tokens = job->read(index);
    if (tokens.ok()) {
      next_.emplace(Read{std::move(job), index, std::move(*tokens), {}, {}, 0});
    } else {
      job->fail(std::move(tokens).error(), false);
    }
  }
  if (n_active() >= kMaxActive) return std::nullopt;
  return next_->job->queued_at_us;
}

void EmbedReads::begin_next(SequenceState state, int64_t now) {
  if (next_->job->admitted_at_us == 0) next_->job->admitted_at_us = now;
  next_->state.emplace(std::move(state));
  next_->sum.assign(static_cast<size_t>(width_), 0.0);
  active_.push_back(std::move(*next_));
  next_.reset();
}

void EmbedReads::add_rows(int64_t budget, BatchRows rows) {
  for (Read& read : active_) {
    const int64_t begin = read.state->n_tokens();
    const int64_t n_ids = static_cast<int64_t>(read.tokens.ids.size());
    read.rows_in_step = read.job->over() ? 0 : std::min(budget, n_ids - begin);
    if (read.rows_in_step == 0) continue;
    if (auto reserved = read.state->reserve(read.rows_in_step); !reserved.ok()) {
      read.rows_in_step = 0;
      read.job->fail(std::move(reserved).error(), true);
      continue;
    }
    budget -= read.rows_in_step;
    const int64_t first_row = static_cast<int64_t>(rows.ids.size());
    for (int64_t i = begin; i < begin + read.rows_in_step; ++i) {
      rows.ids.push_back(read.tokens.ids[static_cast<size_t>(i)]);
      rows.positions.push_back(i);
    }
    rows.segments.push_back({.state = &*read.state,
                             .first_row = first_row,
                             .n_rows = read.rows_in_step,
                             .rope_span = n_ids,
                             .phase = Phase::kPrefill,
                             .pooled = read.sum.data()});
  }
}

void EmbedReads::take_results(int64_t now) {
  for (Read& read : active_) {
    if (read.rows_in_step == 0) continue;
    read.state->commit(read.rows_in_step);
    read.rows_in_step = 0;
  }
  std::erase_if(active_, [&](const Read& read) {
    const bool done = read.state->n_tokens() == static_cast<int64_t>(read.tokens.ids.size());
    if (done) read.job->take(read.index, read.tokens, read.sum, now);
    return done || read.job->over();
  });
}

void EmbedReads::fail_all(const Error& error) {
  for (const Read& read : active_) read.job->fail(error, true);
  active_.clear();
  next_.reset();
  const std::lock_guard lock(mutex_);
  for (const auto& job : queue_) job->fail(error, true);
  queue_.clear();
}

}  // namespace overtake
