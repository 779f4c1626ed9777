// The work of a SpeedTrial, counted by running the model's forward over what it will be asked.
#include <algorithm>
#include <functional>
#include <vector>

#include "engine/scheduler.h"
#include "engine/speed_trial.h"
#include "tensor/count_ops.h"
#include "tensor/cpu/weight_facts.h"

namespace overtake {
namespace {

struct Step {
  int64_t position;
  int64_t n_rows;  // of each sequence
  Phase phase;
  bool logits;  // of the last rows
};

void count_step(const Model& model, CountOps& ops, const SpeedPlan& plan, const Step& step) {
  const int64_t n = step.n_rows;
  const std::vector<int32_t> ids(static_cast<size_t>(plan.n_sequences * n));
  std::vector<int64_t> positions;
  std::vector<Segment> segments;
  std::vector<int32_t> logit_rows;
  for (int64_t i = 0; i < plan.n_sequences; ++i) {
    segments.push_back({nullptr, i * n, n, step.position + n, step.phase});
    for (int64_t r = 0; r < n; ++r) positions.push_back(step.position + r);
    if (step.logits) logit_rows.push_back(static_cast<int32_t>((i + 1) * n - 1));
  }
  const Batch batch{ids, positions, segments, logit_rows};
  model.forward(batch, ops);
}

CountOps make_count_ops(const LocalModel& model) {
  return {model.model().info().kv_shape, multiply_kind};
}

}  // namespace

Work prefill_work(const LocalModel& model, const SpeedPlan& plan, int64_t n_cached) {
  CountOps ops = make_count_ops(model);
  const int64_t end = plan.depth + plan.n_prompt;
  const int64_t chunk = std::max<int64_t>(1, SchedulerOptions().prefill_rows / plan.n_sequences);
  for (int64_t at = n_cached; at < end; at += chunk) {
    const int64_t n = std::min(chunk, end - at);
    count_step(model.model(), ops, plan, {at, n, Phase::kPrefill, at + n == end});
  }
  return ops.work();
}

Work decode_work(const LocalModel& model, const SpeedPlan& plan) {
  CountOps ops = make_count_ops(model);
  for (int64_t i = 0; i < plan.n_decode; ++i) {
    // The depth and the prompt's one token stand before the first.
    count_step(model.model(), ops, plan, {plan.depth + 1 + i, 1, Phase::kDecode, true});
  }
  return ops.work();
}

std::vector<std::span<const std::byte>> weights_read(const LocalModel& model) {
  std::vector<std::span<const std::byte>> parts;
  CountOps ops(model.model().info().kv_shape, [&](const Weight& weight, Phase) {
    parts.push_back(packed_numbers(weight));
    return MultiplyKind::kF32;
  });
  count_step(model.model(), ops, {}, {0, 1, Phase::kDecode, true});
  std::ranges::sort(parts, std::less(), [](const auto& part) { return part.data(); });
  std::vector<std::span<const std::byte>> joined;
  for (const auto& part : parts) {
    // Matrices begin at cache lines.
    constexpr ptrdiff_t kGap = 64;
    std::span<const std::byte>* last = joined.empty() ? nullptr : &joined.back();
    const ptrdiff_t gap = last ? part.data() - (last->data() + last->size()) : kGap;
    if (gap < 0) continue;  // the same matrix again
    if (gap < kGap) {
      *last = {last->data(), last->size() + static_cast<size_t>(gap) + part.size()};
    } else {
      joined.push_back(part);
    }
  }
  return joined;
}

}  // namespace overtake
