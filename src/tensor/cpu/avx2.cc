// The kernels for AVX2 with FMA and F16C.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/kernels.h"

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX2_FEATURES)
namespace overtake::avx2 {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx2.inl.h"
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
}  // namespace overtake::avx2
OVERTAKE_REGION_END

namespace overtake {
const Kernels kernels_avx2 = {Isa::kAvx2, avx2::row_kernels, avx2::attention_kernels,
                              avx2::recurrence_kernels};
}

#endif
