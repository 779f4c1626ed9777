// trace_prompt: runs one prompt through a model and hands out what came of every token. Behind
// `overtake logits`, and the tests that compare models with their makers' outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "model/arch.h"

namespace overtake {

struct TraceOptions {
  int64_t chunk = 512;  // tokens a step; results do not depend on it
  Phase phase = Phase::kPrefill;
  // hidden(k, first_position, rows): see TapOps; empty function: not collected.
  std::function<void(int k, int64_t first_position, Tensor rows)> hidden;
};

// Calls logits(first_position, rows [n, vocab]) for consecutive runs of positions. Ids must be in
// the vocabulary (kInvalidArgument). More than the model's context is computed as far as it can be;
// kContextLength where its positions end.
Status trace_prompt(const Model& model, Ops& ops, std::span<const int32_t> ids,
                    const std::function<void(int64_t first_position, Tensor rows)>& logits,
                    const TraceOptions& options = {});

}  // namespace overtake
