// What the matrix product's kernels multiply: which of the machine's peaks they can reach at most.
#pragma once

#include "tensor/batch.h"
#include "tensor/weight.h"
#include "tensor/work.h"

namespace overtake {

// For a `weight` of pack_cpu_weight, and the rows of `batch`; of most of its rows where they
// differ.
MultiplyKind multiply_kind(const Weight& weight, const Batch& batch);

}  // namespace overtake
