// Peaks of what every x86-64 processor has (SSE2); elsewhere, of what the compiler makes of C++.
#include "tensor/cpu/peak_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tensor/cpu/isa_region.h"

namespace overtake {
namespace {

#if defined(__x86_64__)
// 8-bit numbers must be widened to 16 bits first.
double run_pmaddwd(int64_t n_steps) {
  __m128i sum[kPeakChains];
  for (__m128i& s : sum) s = _mm_set1_epi32(1);
  __m128i a = _mm_set1_epi16(3), b = _mm_set1_epi16(2);
  for (int64_t i = 0; i < n_steps; ++i) {
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) {
      __asm__ volatile("" : "+x"(a), "+x"(b));
      sum[c] = _mm_add_epi32(sum[c], _mm_madd_epi16(a, b));
    }
  }
  for (__m128i& s : sum) __asm__ volatile("" : : "x"(s));
  return 2.0 * 8 * kPeakChains * static_cast<double>(n_steps);
}

double run_mulps(int64_t n_steps) {
  __m128 sum[kPeakChains];
  for (__m128& s : sum) s = _mm_set1_ps(1);
  __m128 a = _mm_set1_ps(1e-3f), b = _mm_set1_ps(2e-3f);
  for (int64_t i = 0; i < n_steps; ++i) {
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) {
      __asm__ volatile("" : "+x"(a), "+x"(b));
      sum[c] = _mm_add_ps(sum[c], _mm_mul_ps(a, b));
    }
  }
  for (__m128& s : sum) __asm__ volatile("" : : "x"(s));
  return 2.0 * 4 * kPeakChains * static_cast<double>(n_steps);
}

constexpr PeakKernel kernels[] = {
    {"pmaddwd", MultiplyKind::kInt8, std::nullopt, true, run_pmaddwd},
    {"mulps + addps", MultiplyKind::kF32, std::nullopt, true, run_mulps},
};
#else
template <typename T>
double run_plain(int64_t n_steps) {
  T sum[kPeakChains] = {};
  volatile T source = 1;
  for (int64_t i = 0; i < n_steps; ++i) {
    const T a = source;
    for (T& s : sum) s += a * a;
  }
  for (T& s : sum) source = s;
  return 2.0 * kPeakChains * static_cast<double>(n_steps);
}

constexpr PeakKernel kernels[] = {
    {"int32", MultiplyKind::kInt8, std::nullopt, true, run_plain<int32_t>},
    {"float", MultiplyKind::kF32, std::nullopt, true, run_plain<float>},
};
#endif

uint64_t read_words(const std::byte* data, size_t bytes) {
  const auto* p = reinterpret_cast<const uint64_t*>(data);
  uint64_t sum[8] = {};
  for (size_t i = 0; i < bytes / sizeof(uint64_t); i += 8) {
    __builtin_prefetch(p + i + 256);
    for (size_t j = 0; j < 8; ++j) sum[j] += p[i + j];
  }
  for (size_t j = 1; j < 8; ++j) sum[0] += sum[j];
  return sum[0];
}

}  // namespace

const PeakKernels peak_kernels_scalar = {kernels, read_words};

}  // namespace overtake
