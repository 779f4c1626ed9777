// Reaction: how much a model's answers change when one of its matrices is quantized.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/gguf_plan.h"
#include "model/quantize/importance.h"
#include "model/quantize/sensitivity.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/ops.h"

namespace overtake {

struct ReactionOptions {
  ThreadPool& pool;
  Backend& backend;
  const Importance* importance = nullptr;
  Isa isa = Isa::kScalar;  // of the search for codes
  int64_t chunk = 128;     // tokens that the model reads at a time, or its context if shorter
  int64_t max_chunks = 2;  // of a longer text: this many, spread over it
  std::function<Status(uint64_t done, uint64_t total)> progress;
};

// Reads `ids` once as the checkpoint is and once with each of `matrices` quantized alone, and sets
// its reaction: the mean divergence (Kullback and Leibler 1951) of the next token's distribution,
// over the error of the type that was tried. kInvalidArgument for less than one token.
Status measure_reactions(const Checkpoint& checkpoint, const GgufPlan& plan,
                         std::span<const int32_t> ids, const ReactionOptions& options,
                         std::span<MatrixSensitivity> matrices);

}  // namespace overtake
