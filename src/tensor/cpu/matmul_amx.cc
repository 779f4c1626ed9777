// The matrix product's kernels for AMX, which take whole panels; the rest is that of AVX-512.
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
OVERTAKE_REGION_BEGIN(OVERTAKE_AMX_FEATURES)
namespace overtake::amx {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_avx512.inl.h"
#include "tensor/cpu/kernel/matmul_bytes_avx512.inl.h"
#include "tensor/cpu/kernel/tiles_amx.inl.h"
#include "tensor/cpu/kernel/matmul_tiles_amx.inl.h"
#include "tensor/cpu/kernel/matmul_tiles_wide_amx.inl.h"
#include "tensor/cpu/kernel/matmul_integer.inl.h"
#include "tensor/cpu/kernel/matmul_bf16_amx.inl.h"
// clang-format on

constexpr TileKernels tile_kernels[] = {
    {32, false, true, begin_tiles, multiply_tiles<false>, end_tiles},
    {32, true, true, begin_tiles, multiply_tiles<true>, end_tiles},
    {32, false, false, begin_wide_tiles, multiply_wide_tiles, end_tiles},
};

template <size_t... kIndex>
constexpr std::array<Bf16Form, sizeof...(kIndex) + 1> make_bf16_forms(
    std::index_sequence<kIndex...>) {
  return {make_bf16_form<kIntegerForms[kIndex]>()...,
          Bf16Form{{}, FloatForm::kBf16, join_bf16_tile}};
}
constexpr auto bf16_forms = make_bf16_forms(std::make_index_sequence<kIntegerFormCount>());
}  // namespace
}  // namespace overtake::amx
OVERTAKE_REGION_END

namespace overtake {
const std::span<const TileKernels> matmul_tiles_amx = amx::tile_kernels;
const Bf16Kernels matmul_bf16_amx = {
    amx::begin_tiles,
    amx::end_tiles,
    {{amx::multiply_bf16<1, 1>, amx::multiply_bf16<1, 2>},
     {amx::multiply_bf16<2, 1>, amx::multiply_bf16_pairs}},
    amx::pack_bf16_rows,
    amx::pack_bf16_half,
    amx::bf16_forms,
};
}  // namespace overtake

#endif
