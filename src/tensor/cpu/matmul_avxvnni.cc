// The matrix product's kernels for AVX-VNNI: AVX2's, with dots of four bytes in one instruction.
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

OVERTAKE_REGION_BEGIN(OVERTAKE_AVXVNNI_FEATURES)
namespace overtake::avxvnni {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx2.inl.h"
#include "tensor/cpu/kernel/matmul_bytes_avx2.inl.h"
#include "tensor/cpu/kernel/dots_avxvnni.inl.h"
#include "tensor/cpu/kernel/matmul_integer.inl.h"
#include "tensor/cpu/kernel/integer_table.inl.h"
#include "tensor/cpu/kernel/matmul_rows.inl.h"
// clang-format on
}  // namespace
}  // namespace overtake::avxvnni
OVERTAKE_REGION_END

namespace overtake {
const MatmulKernels matmul_kernels_avxvnni = {avxvnni::F32::kLanes,     avxvnni::kByteZero,
                                              avxvnni::integer_kernels, avxvnni::float_kernels,
                                              avxvnni::quantize_row,    avxvnni::put_sums};
}

#endif
