// The matrix product's kernels for AVX-512.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "tensor/cpu/integer_forms.h"
#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/matmul_kernels.h"

// g++ 12 sees uninitialized values in its own intrinsics (its bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
OVERTAKE_REGION_BEGIN(OVERTAKE_AVX512_FEATURES)
namespace overtake::avx512 {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx512.inl.h"
#include "tensor/cpu/kernel/matmul_bytes_avx512.inl.h"
#include "tensor/cpu/kernel/matmul_integer.inl.h"
#include "tensor/cpu/kernel/integer_table.inl.h"
#include "tensor/cpu/kernel/matmul_rows.inl.h"
// clang-format on
}  // namespace
}  // namespace overtake::avx512
OVERTAKE_REGION_END

namespace overtake {
const MatmulKernels matmul_kernels_avx512 = {avx512::F32::kLanes,     avx512::kByteZero,
                                             avx512::integer_kernels, avx512::float_kernels,
                                             avx512::quantize_row,    avx512::put_sums};
}

#endif
