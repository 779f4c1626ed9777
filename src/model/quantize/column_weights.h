// What encoding a planned tensor asks of its input: weights of its columns, and finite numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/gguf_plan.h"
#include "model/quantize/importance.h"

namespace overtake {

// The importance of the tensor's columns, 1 on average, none of them nearly 0. Empty if nothing is
// known; kInvalidArgument if it is of another number of columns.
Result<std::vector<float>> column_weights(const PlannedTensor& tensor,
                                          const Importance* importance);

// kInvalidArgument, with row and column, unless all numbers are finite. `rows` begin at row `row`.
Status check_finite(const PlannedTensor& tensor, int64_t row, std::span<const float> rows);

}  // namespace overtake
