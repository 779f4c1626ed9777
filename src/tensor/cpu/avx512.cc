// The kernels for AVX-512 (F, BW, DQ, VL, VNNI).
#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 warns of the undefined registers in its own intrinsics (its PR 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/kernels.h"

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX512_FEATURES)
namespace overtake::avx512 {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx512.inl.h"
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
}  // namespace overtake::avx512
OVERTAKE_REGION_END

namespace overtake {
const Kernels kernels_avx512 = {Isa::kAvx512, avx512::row_kernels, avx512::attention_kernels,
                                avx512::recurrence_kernels};
}

#endif
