// Regions of a file that are compiled for one instruction set. Only what stands between BEGIN and
// END is: templates of the standard library must be included before, or the linker may pick their
// AVX-512 copies for the whole program and break it on older processors.
#pragma once

#if defined(__clang__)
#define OVERTAKE_PRAGMA(text) _Pragma(#text)
#define OVERTAKE_REGION_BEGIN(features) \
  OVERTAKE_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define OVERTAKE_REGION_END _Pragma("clang attribute pop")
#else
#define OVERTAKE_PRAGMA(text) _Pragma(#text)
#define OVERTAKE_REGION_BEGIN(features) \
  _Pragma("GCC push_options") OVERTAKE_PRAGMA(GCC target(features))
#define OVERTAKE_REGION_END _Pragma("GCC pop_options")
#endif

#define OVERTAKE_AVX2_FEATURES "avx2,fma,f16c"
#define OVERTAKE_AVXVNNI_FEATURES "avx2,fma,f16c,avxvnni"
#define OVERTAKE_AVX512_FEATURES "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#define OVERTAKE_AMX_FEATURES                                               \
  "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16," \
  "amx-tile,amx-int8,amx-bf16"

// Before a loop of few constant turns whose arrays must live in registers.
#if defined(__clang__)
#define OVERTAKE_UNROLL _Pragma("unroll")
#else
#define OVERTAKE_UNROLL _Pragma("GCC unroll 32")
#endif

// Keeps the compiler from knowing what `pointer` was computed from.
#define OVERTAKE_OPAQUE(pointer) __asm__("" : "+r"(pointer))

// Helpers of a few instructions, which must not become calls at -O2.
#define OVERTAKE_INLINE inline __attribute__((always_inline))
#define OVERTAKE_INLINE_LAMBDA __attribute__((always_inline))
