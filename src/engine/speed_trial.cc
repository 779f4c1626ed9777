#include "engine/speed_trial.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "engine/scheduler.h"

namespace overtake {
namespace {

constexpr uint64_t kDepthSeed = 1, kPromptSeed = 1000000;

SchedulerOptions options_for(const SpeedPlan& plan) {
  SchedulerOptions options;
  options.max_sequences = plan.n_sequences;
  options.max_kept = plan.depth > 0 ? plan.n_sequences : 0;
  return options;
}

// The clock counts in microseconds, and a tiny model needs less than one.
constexpr double kLeastSeconds = 1e-6;

// Twice what the sequences take: what is kept of the last repetition, and what runs.
uint64_t state_bytes_for(const ModelInfo& info, const SpeedPlan& plan) {
  const int64_t longest = plan.depth + std::max(plan.n_prompt, plan.n_decode) + 2;
  const int64_t pages = (longest + kPageTokens - 1) / kPageTokens + 1;
  const uint64_t of_one = static_cast<uint64_t>(pages) * info.kv_shape.page_bytes();
  // The scheduler keeps up to half for recurrent state.
  const uint64_t slots = 4 * info.recurrent_shape.bytes();
  return 2 * static_cast<uint64_t>(plan.n_sequences) * (of_one + slots) + (64u << 20);
}

}  // namespace

std::vector<int32_t> random_tokens(int64_t vocab_size, int64_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> ids(static_cast<size_t>(n));
  for (int32_t& id : ids) {
    id = static_cast<int32_t>(random() % static_cast<uint64_t>(vocab_size));
  }
  return ids;
}

struct SpeedTrial::Impl {
  Impl(const LocalModel& model, const SpeedPlan& plan)
      : model(model),
        plan(plan),
        scheduler(model, state_bytes_for(model.model().info(), plan), options_for(plan)) {
    for (int64_t i = 0; i < plan.n_sequences; ++i) {
      depth_ids.push_back(tokens(plan.depth, kDepthSeed + static_cast<uint64_t>(i)));
    }
  }

  std::vector<int32_t> tokens(int64_t n, uint64_t seed) const {
    return random_tokens(model.model().info().vocab_size, n, seed);
  }
  // A sequence's depth and `n` tokens that no prompt had before.
  std::vector<int32_t> prompt(int64_t sequence, int64_t n) {
    std::vector<int32_t> ids = depth_ids[static_cast<size_t>(sequence)];
    const std::vector<int32_t> fresh = tokens(n, kPromptSeed + next_seed++);
    ids.insert(ids.end(), fresh.begin(), fresh.end());
    return ids;
  }
  Result<std::vector<UsageEvent>> run(int64_t n_prompt, int64_t n_new);
  Result<Answer> submit(std::vector<int32_t> prompt, int64_t n_new, GenerateRequest request);

  const LocalModel& model;
  const SpeedPlan plan;
  Scheduler scheduler;
  std::vector<std::vector<int32_t>> depth_ids;  // [n_sequences][depth]
  uint64_t next_seed = 0;
};

Result<Answer> SpeedTrial::Impl::submit(std::vector<int32_t> prompt, int64_t n_new,
                                        GenerateRequest request) {
  request.sampling.temperature = 0;
  request.ignore_end = true;
  auto sequence = std::make_unique<Sequence>(model, std::move(request), std::move(prompt), n_new);
  Answer answer(sequence->stream());
  TRY(scheduler.submit(std::move(sequence)));
  return answer;
}

// All sequences at once, each with `n_prompt` tokens after its depth.
Result<std::vector<UsageEvent>> SpeedTrial::Impl::run(int64_t n_prompt, int64_t n_new) {
  std::vector<std::vector<int32_t>> prompts;
  for (int64_t i = 0; i < plan.n_sequences; ++i) prompts.push_back(prompt(i, n_prompt));
  std::vector<Answer> answers;
  for (auto& ids : prompts) answers.push_back(TRY(submit(std::move(ids), n_new, {})));
  std::vector<UsageEvent> usages;
  for (Answer& answer : answers) {
    for (bool last = false; !last;) {
      // Asking only now and then leaves the processors to what is measured; the times are the
      // scheduler's.
      std::optional<Event> event = answer->try_next();
      if (!event) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        continue;
      }
      if (auto* usage = std::get_if<UsageEvent>(&*event)) usages.push_back(*usage);
      if (auto* failed = std::get_if<FailedEvent>(&*event)) return std::move(failed->error);
      last = is_last(*event);
    }
  }
  return usages;
}

SpeedTrial::SpeedTrial(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SpeedTrial::~SpeedTrial() = default;

Result<std::unique_ptr<SpeedTrial>> SpeedTrial::make(const LocalModel& model,
                                                     const SpeedPlan& plan) {
  const int64_t most = model.model().info().max_positions;
  const int64_t longest = plan.depth + std::max(plan.n_prompt, plan.n_decode) + 2;
  if (longest > most) {
    return Error{ErrorCode::kContextLength,
                 fmt::format("{} tokens, but the model's positions end at {}; -d, -p and -n; give "
                             "less",
                             longest, most)};
  }
  return std::unique_ptr<SpeedTrial>(new SpeedTrial(std::make_unique<Impl>(model, plan)));
}

Status SpeedTrial::fill() {
  if (impl_->plan.depth == 0) return {};
  // One token more: recurrent state is kept at a page's border before the last.
  TRY(impl_->run(1, 1));
  return {};
}

Result<SpeedSample> SpeedTrial::prefill() {
  SpeedSample sample{.seconds = kLeastSeconds};
  for (const UsageEvent& usage : TRY(impl_->run(impl_->plan.n_prompt, 1))) {
    const int64_t took_us = usage.queued_us + usage.prefill_us;
    sample.seconds = std::max(sample.seconds, static_cast<double>(took_us) * 1e-6);
    sample.n_tokens += usage.prompt_tokens - usage.cached_tokens;
    sample.n_cached = usage.cached_tokens;
  }
  return sample;
}

Result<SpeedSample> SpeedTrial::decode() {
  SpeedSample sample;
  // The first token is the prompt's.
  const auto usages = TRY(impl_->run(1, impl_->plan.n_decode + 1));
  for (const UsageEvent& usage : usages) {
    // They begin and end within one step of each other.
    sample.seconds +=
        static_cast<double>(usage.decode_us) * 1e-6 / static_cast<double>(usages.size());
    sample.n_tokens += usage.completion_tokens - 1;
    sample.n_cached = usage.cached_tokens;
  }
  sample.seconds = std::max(sample.seconds, kLeastSeconds);
  return sample;
}

Result<std::vector<int32_t>> SpeedTrial::continue_greedily(const std::vector<int32_t>& prompt,
                                                           int64_t n) {
  GenerateRequest request;
  request.top_logprobs = 0;
  // What another tenant left is never found.
  request.principal.tenant = fmt::format("check {}", impl_->next_seed++);
  Answer answer = TRY(impl_->submit(prompt, n, std::move(request)));
  std::vector<int32_t> ids;
  for (;;) {
    const Event event = answer->next();
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      for (const TokenLogprob& entry : text->logprobs) ids.push_back(entry.id);
    }
    if (const auto* failed = std::get_if<FailedEvent>(&event)) return failed->error;
    if (is_last(event)) return ids;
  }
}

}  // namespace overtake
