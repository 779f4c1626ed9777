// Peaks of AVX-512.
#if defined(__x86_64__)

#include <immintrin.h>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/peak_kernels.h"

// g++ 12 sees uninitialized values in its own intrinsics (its bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
OVERTAKE_REGION_BEGIN(OVERTAKE_AVX512_FEATURES)
namespace overtake::avx512 {
namespace {

double run_vnni(int64_t n_steps) {
  __m512i sum[kPeakChains];
  for (__m512i& s : sum) s = _mm512_set1_epi32(1);
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2);
  for (int64_t i = 0; i < n_steps; ++i) {
    __asm__ volatile("" : "+v"(a), "+v"(b));
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) sum[c] = _mm512_dpbusd_epi32(sum[c], a, b);
  }
  for (__m512i& s : sum) __asm__ volatile("" : : "v"(s));
  return 2.0 * 64 * kPeakChains * static_cast<double>(n_steps);
}

double run_fma(int64_t n_steps) {
  __m512 sum[kPeakChains];
  for (__m512& s : sum) s = _mm512_set1_ps(1);
  __m512 a = _mm512_set1_ps(1e-3f), b = _mm512_set1_ps(2e-3f);
  for (int64_t i = 0; i < n_steps; ++i) {
    __asm__ volatile("" : "+v"(a), "+v"(b));
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) sum[c] = _mm512_fmadd_ps(a, b, sum[c]);
  }
  for (__m512& s : sum) __asm__ volatile("" : : "v"(s));
  return 2.0 * 16 * kPeakChains * static_cast<double>(n_steps);
}

// Two streams keep more requests on their way than one.
uint64_t read_vectors(const std::byte* data, size_t bytes) {
  __m512i sum[8];
  for (__m512i& s : sum) s = _mm512_setzero_si512();
  for (size_t i = 0; i < bytes / 2; i += 256) {
    OVERTAKE_UNROLL
    for (int j = 0; j < 8; ++j) {
      const std::byte* p = data + (j < 4 ? 0 : bytes / 2) + i + j % 4 * 64;
      _mm_prefetch(reinterpret_cast<const char*>(p) + 2048, _MM_HINT_T0);
      sum[j] = _mm512_or_si512(sum[j], _mm512_load_si512(p));
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm512_or_si512(sum[0], sum[j]);
  alignas(64) uint64_t words[8];
  _mm512_store_si512(words, sum[0]);
  return words[0];
}

}  // namespace
}  // namespace overtake::avx512
OVERTAKE_REGION_END

OVERTAKE_REGION_BEGIN("avx512f,avx512bf16")
namespace overtake::avx512 {
namespace {

double run_bf16(int64_t n_steps) {
  __m512 sum[kPeakChains];
  for (__m512& s : sum) s = _mm512_set1_ps(1);
  __m512i ones = _mm512_set1_epi16(0x3f80);
  for (int64_t i = 0; i < n_steps; ++i) {
    __asm__ volatile("" : "+v"(ones));
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) {
      __asm__ volatile("vdpbf16ps %1, %1, %0" : "+v"(sum[c]) : "v"(ones));
    }
  }
  for (__m512& s : sum) __asm__ volatile("" : : "v"(s));
  return 2.0 * 32 * kPeakChains * static_cast<double>(n_steps);
}

}  // namespace
}  // namespace overtake::avx512
OVERTAKE_REGION_END

namespace overtake {
namespace {
constexpr PeakKernel kernels[] = {
    {"vpdpbusd", MultiplyKind::kInt8, std::nullopt, true, avx512::run_vnni},
    {"vdpbf16ps", MultiplyKind::kBf16, Extension::kAvx512Bf16, true, avx512::run_bf16},
    {"vfmadd", MultiplyKind::kF32, std::nullopt, true, avx512::run_fma},
};
}  // namespace
const PeakKernels peak_kernels_avx512 = {kernels, avx512::read_vectors};
}  // namespace overtake

#endif
