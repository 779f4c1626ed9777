// Peaks of AVX2, and of AVX-VNNI, which some processors without AVX-512 have.
#if defined(__x86_64__)

#include <immintrin.h>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/peak_kernels.h"

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX2_FEATURES)
namespace overtake::avx2 {
namespace {

// Three instructions stand for one dot step, as they do in the kernels of 8-bit codes.
double run_maddubs(int64_t n_steps) {
  __m256i sum[kPeakChains];
  for (__m256i& s : sum) s = _mm256_set1_epi32(1);
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(2);
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t i = 0; i < n_steps; ++i) {
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) {
      __asm__ volatile("" : "+x"(a), "+x"(b));
      sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  for (__m256i& s : sum) __asm__ volatile("" : : "x"(s));
  return 2.0 * 32 * kPeakChains * static_cast<double>(n_steps);
}

double run_fma(int64_t n_steps) {
  __m256 sum[kPeakChains];
  for (__m256& s : sum) s = _mm256_set1_ps(1);
  __m256 a = _mm256_set1_ps(1e-3f), b = _mm256_set1_ps(2e-3f);
  for (int64_t i = 0; i < n_steps; ++i) {
    __asm__ volatile("" : "+x"(a), "+x"(b));
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) sum[c] = _mm256_fmadd_ps(a, b, sum[c]);
  }
  for (__m256& s : sum) __asm__ volatile("" : : "x"(s));
  return 2.0 * 8 * kPeakChains * static_cast<double>(n_steps);
}

// Two streams keep more requests on their way than one.
uint64_t read_vectors(const std::byte* data, size_t bytes) {
  __m256i sum[8] = {};
  for (size_t i = 0; i < bytes / 2; i += 128) {
    OVERTAKE_UNROLL
    for (int j = 0; j < 8; ++j) {
      const std::byte* p = data + (j < 4 ? 0 : bytes / 2) + i + j % 4 * 32;
      if (j % 2 == 0) _mm_prefetch(reinterpret_cast<const char*>(p) + 2048, _MM_HINT_T0);
      sum[j] = _mm256_or_si256(sum[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(p)));
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm256_or_si256(sum[0], sum[j]);
  return static_cast<uint64_t>(_mm256_extract_epi64(sum[0], 0));
}

}  // namespace
}  // namespace overtake::avx2
OVERTAKE_REGION_END

OVERTAKE_REGION_BEGIN(OVERTAKE_AVXVNNI_FEATURES)
namespace overtake::avx2 {
namespace {

double run_vnni(int64_t n_steps) {
  __m256i sum[kPeakChains];
  for (__m256i& s : sum) s = _mm256_set1_epi32(1);
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(2);
  for (int64_t i = 0; i < n_steps; ++i) {
    __asm__ volatile("" : "+x"(a), "+x"(b));
    OVERTAKE_UNROLL
    for (int c = 0; c < kPeakChains; ++c) sum[c] = _mm256_dpbusd_avx_epi32(sum[c], a, b);
  }
  for (__m256i& s : sum) __asm__ volatile("" : : "x"(s));
  return 2.0 * 32 * kPeakChains * static_cast<double>(n_steps);
}

}  // namespace
}  // namespace overtake::avx2
OVERTAKE_REGION_END

namespace overtake {
namespace {
constexpr PeakKernel kernels_avx2[] = {
    {"vpmaddubsw + vpmaddwd", MultiplyKind::kInt8, std::nullopt, true, avx2::run_maddubs},
    {"vfmadd", MultiplyKind::kF32, std::nullopt, true, avx2::run_fma},
};
constexpr PeakKernel kernels_avxvnni[] = {
    {"vpdpbusd", MultiplyKind::kInt8, std::nullopt, true, avx2::run_vnni},
};
}  // namespace
const PeakKernels peak_kernels_avx2 = {kernels_avx2, avx2::read_vectors};
const PeakKernels peak_kernels_avxvnni = {kernels_avxvnni, avx2::read_vectors};
}  // namespace overtake

#endif
