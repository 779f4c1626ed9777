// From a planned GGUF file to a quantized one: every matrix through the search of tensor/encode/,
// and the error that it left.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/gguf_plan.h"
#include "model/quantize/importance.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {

struct QuantizeOptions {
  std::span<const QuantType* const> types;  // of plan.tensors(), in order; each can_encode
  const Importance* importance = nullptr;
  int64_t file_type = 0;
  bool overwrite = false;
  Isa isa = Isa::kScalar;  // the file does not depend on it
  // As GgufWriteOptions has it.
  std::function<Status(uint64_t done, uint64_t total)> progress;
};

// What became of one tensor: sums over its elements x and their new values y.
struct TensorLoss {
  std::string name;
  const QuantType* type = nullptr;
  int64_t n_elements = 0;
  double squares = 0;         // of x
  double squared_errors = 0;  // of x - y
  // sqrt(squared_errors / squares): 0 where nothing was lost.
  double relative() const;
};

// Writes the file and tells what every tensor lost, in the order of the plan. kInvalidArgument for
// a number that is infinite or none, with the tensor's name; nothing is left of the file after an
// error.
Result<std::vector<TensorLoss>> quantize_gguf(const Checkpoint& checkpoint, const GgufPlan& plan,
                                              const std::string& path,
                                              const QuantizeOptions& options, ThreadPool& pool);

}  // namespace overtake
