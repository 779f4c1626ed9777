// The kernels in plain C++, for any processor.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/kernels.h"

namespace overtake::scalar {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_scalar.inl.h"
#include "tensor/cpu/kernel/math.inl.h"
#include "tensor/cpu/kernel/rows.inl.h"
#include "tensor/cpu/kernel/rope.inl.h"
#include "tensor/cpu/kernel/store.inl.h"
#include "tensor/cpu/kernel/multiply.inl.h"
#include "tensor/cpu/kernel/attention.inl.h"
#include "tensor/cpu/kernel/attention_q8.inl.h"
#include "tensor/cpu/kernel/recurrence.inl.h"
// clang-format on
}  // namespace
}  // namespace overtake::scalar

namespace overtake {
const Kernels kernels_scalar = {Isa::kScalar, scalar::row_kernels, scalar::attention_kernels,
                                scalar::recurrence_kernels};
}
