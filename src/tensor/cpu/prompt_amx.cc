// Attention of prompts for AMX.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/prompt_kernels.h"

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
#include "tensor/cpu/kernel/tiles_amx.inl.h"
#include "tensor/cpu/kernel/prompt_pack_amx.inl.h"
#include "tensor/cpu/kernel/prompt_attention_amx.inl.h"
// clang-format on

constexpr PromptKernels prompt_kernels = {begin_tiles,   end_tiles,     pack_query,  pack_page,
                                          clear_queries, attend_blocks, finish_query};
}  // namespace
}  // namespace overtake::amx
OVERTAKE_REGION_END

namespace overtake {
const PromptKernels prompt_kernels_amx = amx::prompt_kernels;
}

#endif
