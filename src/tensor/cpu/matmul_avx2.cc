// The matrix product's kernels for AVX2.
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

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX2_FEATURES)
namespace overtake::avx2 {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx2.inl.h"
#include "tensor/cpu/kernel/matmul_bytes_avx2.inl.h"
#include "tensor/cpu/kernel/dots_avx2.inl.h"
#include "tensor/cpu/kernel/matmul_integer.inl.h"
#include "tensor/cpu/kernel/integer_table.inl.h"
#include "tensor/cpu/kernel/matmul_rows.inl.h"
// clang-format on
}  // namespace
}  // namespace overtake::avx2
OVERTAKE_REGION_END

namespace overtake {
const MatmulKernels matmul_kernels_avx2 = {avx2::F32::kLanes,     avx2::kByteZero,
                                           avx2::integer_kernels, avx2::float_kernels,
                                           avx2::quantize_row,    avx2::put_sums};
}

#endif
