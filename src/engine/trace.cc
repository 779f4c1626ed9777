#include "engine/trace.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tensor/tap_ops.h"

namespace overtake {

Status trace_prompt(const Model& model, Ops& ops, std::span<const int32_t> ids,
                    const std::function<void(int64_t first_position, Tensor rows)>& logits,
                    const TraceOptions& options) {
  const int64_t n = static_cast<int64_t>(ids.size());
  const int64_t vocab_size = model.info().vocab_size;
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("token id {} is outside the vocabulary; ids; use 0 to {}", id,
                               vocab_size - 1)};
    }
  }
  if (n > model.info().max_positions) {
    return Error{ErrorCode::kContextLength,
                 fmt::format("{} tokens, but the model's positions end at {}; ids; give fewer", n,
                             model.info().max_positions)};
  }
  StatePool pool(model.info().kv_shape, (n + kPageTokens - 1) / kPageTokens,
                 model.info().recurrent_shape, 1);
  SequenceState state(pool);
  std::vector<int64_t> positions(ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  int64_t first = 0;
  TapOps tap(ops, [&](int k, Tensor rows) { options.hidden(k, first, rows); });
  Ops& used = options.hidden ? static_cast<Ops&>(tap) : ops;
  for (; first < n; first = state.n_tokens()) {
    const int64_t rows = std::min(options.chunk, n - first);
    std::vector<int32_t> all(static_cast<size_t>(rows));
    std::iota(all.begin(), all.end(), 0);
    TRY(state.reserve(rows));
    const Segment segment{&state, 0, rows, n, options.phase};
    const Batch batch{ids.subspan(first, rows), std::span(positions).subspan(first, rows),
                      std::span(&segment, 1), all};
    logits(first, model.forward(batch, used));
    state.commit(rows);
  }
  return {};
}

}  // namespace overtake
