// The matrix product's kernels for AMX, which take whole panels; the rest is that of AVX-512.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/matmul_kernels.h"

// g++ 12 sees uninitialized values in its own intrinsics (its bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
OVERTAKE_REGION_BEGIN(OVERTAKE_AMX_FEATURES)
namespace overtake::amx {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx512.inl.h"
#include "tensor/cpu/kernel/matmul_bytes_avx512.inl.h"
#include "tensor/cpu/kernel/matmul_tiles_amx.inl.h"
#include "tensor/cpu/kernel/matmul_tiles_wide_amx.inl.h"
// clang-format on

constexpr TileKernels tile_kernels[] = {
    {32, false, true, begin_tiles, multiply_tiles<false>, end_tiles},
    {32, true, true, begin_tiles, multiply_tiles<true>, end_tiles},
    {32, false, false, begin_wide_tiles, multiply_wide_tiles, end_tiles},
};
}  // namespace
}  // namespace overtake::amx
OVERTAKE_REGION_END

namespace overtake {
const std::span<const TileKernels> matmul_tiles_amx = amx::tile_kernels;
}

#endif
