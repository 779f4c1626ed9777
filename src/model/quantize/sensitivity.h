// How much every matrix of a model would lose in every type that it could have: what --budget-gb
// weighs against bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/gguf_plan.h"
#include "model/quantize/importance.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {

struct TypeError {
  const QuantType* type = nullptr;
  // Sum of weight * (x - y)^2 over that of weight * x^2, the weights being the importance of the
  // columns: the relative power of the noise in what the matrix computes.
  double error = 0;
};

struct MatrixSensitivity {
  size_t tensor = 0;  // its place in plan.tensors()
  // Loss of the model for every unit of `error`.
  double reaction = 1;
  // The types that its rows have whole blocks of, no larger than Q8_0; F16 alone if none has.
  std::vector<TypeError> types;
};

struct SensitivityOptions {
  const Importance* importance = nullptr;
  Isa isa = Isa::kScalar;    // the result does not depend on it
  int64_t sample = 1 << 18;  // numbers of a matrix that are looked at, in rows spread evenly
  std::function<Status(uint64_t done, uint64_t total)> progress;
};

// Of the matrices that a quantized file has in blocks, in the order of the plan; with the reactions
// that a model's build lets expect.
Result<std::vector<MatrixSensitivity>> measure_errors(const Checkpoint& checkpoint,
                                                      const GgufPlan& plan,
                                                      const SensitivityOptions& options,
                                                      ThreadPool& pool);

}  // namespace overtake
