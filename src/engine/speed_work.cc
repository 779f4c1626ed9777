// The work of a SpeedTrial, counted by running the model's forward over what it will be asked.
#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/scheduler.h"
#include "engine/speed_trial.h"
#include "tensor/count_ops.h"
#include "tensor/cpu/multiply_kind.h"

namespace overtake {
namespace {

// One step: `n_rows` rows of each sequence, from `position` on. Logits of the last rows if wanted.
void count_step(const Model& model, CountOps& ops, const SpeedPlan& plan, int64_t position,
                int64_t n_rows, bool logits) {
  const std::vector<int32_t> ids(static_cast<size_t>(plan.n_sequences * n_rows));
  std::vector<int64_t> positions;
  std::vector<Segment> segments;
  std::vector<int32_t> logit_rows;
  for (int64_t i = 0; i < plan.n_sequences; ++i) {
    segments.push_back({nullptr, i * n_rows, n_rows, position + n_rows});
    for (int64_t r = 0; r < n_rows; ++r) positions.push_back(position + r);
    if (logits) logit_rows.push_back(static_cast<int32_t>((i + 1) * n_rows - 1));
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
  for (int64_t position = n_cached; position < end; position += chunk) {
    const int64_t n = std::min(chunk, end - position);
    count_step(model.model(), ops, plan, position, n, position + n == end);
  }
  return ops.work();
}

Work decode_work(const LocalModel& model, const SpeedPlan& plan) {
  CountOps ops = make_count_ops(model);
  for (int64_t i = 0; i < plan.n_decode; ++i) {
    count_step(model.model(), ops, plan, plan.depth + 1 + i, 1, true);
  }
  return ops.work();
}

}  // namespace overtake
