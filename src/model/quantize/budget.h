// --budget-gb: of all files that are small enough, the types of the one that loses least.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/gguf_plan.h"
#include "model/quantize/sensitivity.h"

namespace overtake {

struct BudgetMix {
  std::vector<const QuantType*> types;  // of plan.tensors(), in order
  int64_t file_type = 0;                // general.file_type: of the type that most weights have
  uint64_t file_bytes = 0;
};

// At most `budget` bytes. kInvalidArgument, with the least size, if no mix is so small.
Result<BudgetMix> mix_within(const GgufPlan& plan, std::span<const MatrixSensitivity> matrices,
                             uint64_t budget);

}  // namespace overtake
