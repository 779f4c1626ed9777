#include "bench/machine_limits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tensor/cpu/isa_region.h"
#include "tensor/large_block.h"

namespace overtake {
namespace {

constexpr int64_t kDotSteps = 2000000;
constexpr int kChains = 12;  // independent sums: enough to hide the latency of every port
constexpr int kRuns = 7;

template <typename Run>
double best_seconds(Run run) {
  double best = 1e9;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

#if defined(__x86_64__)
OVERTAKE_REGION_BEGIN(OVERTAKE_AVX512_FEATURES)
// Returns the operations done: a multiplication and an addition for each of 64 bytes.
double dots_avx512(std::atomic<int>& sink) {
  __m512i sum[kChains];
  for (__m512i& s : sum) s = _mm512_set1_epi32(1);
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2);
  for (int64_t i = 0; i < kDotSteps; ++i) {
    __asm__ volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) sum[c] = _mm512_dpbusd_epi32(sum[c], a, b);
  }
  for (const __m512i& s : sum) sink += _mm_cvtsi128_si32(_mm512_castsi512_si128(s));
  return 2.0 * 64 * kChains * kDotSteps;
}
OVERTAKE_REGION_END

OVERTAKE_REGION_BEGIN(OVERTAKE_AVX2_FEATURES)
// maddubs, madd and add stand for one dot step, as they do in the kernels of 8-bit codes.
double dots_avx2(std::atomic<int>& sink) {
  __m256i sum[kChains];
  for (__m256i& s : sum) s = _mm256_set1_epi32(1);
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(2);
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t i = 0; i < kDotSteps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      __asm__ volatile("" : "+v"(a), "+v"(b));
      sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  for (const __m256i& s : sum) sink += _mm_cvtsi128_si32(_mm256_castsi256_si128(s));
  return 2.0 * 32 * kChains * kDotSteps;
}
OVERTAKE_REGION_END
#endif

double int8_tops(ThreadPool& pool, Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kScalar) return 0;
  std::atomic<int> sink{0};
  const auto dots = isa == Isa::kAvx2 ? dots_avx2 : dots_avx512;
  double operations = 0;
  const double seconds = best_seconds([&] {
    std::atomic<double> sum{0};
    pool.parallel_for(pool.n_threads(), [&](int) {
      double mine = dots(sink), seen = sum;
      while (!sum.compare_exchange_weak(seen, seen + mine)) {
      }
    });
    operations = sum;
  });
  return operations / seconds / 1e12;
#else
  return 0;
#endif
}

double read_gb_s(ThreadPool& pool) {
  constexpr size_t kWords = size_t{1} << 26;  // 512 MB
  constexpr int kParts = 256;
  const LargeBlock bytes = allocate_block(kWords * sizeof(uint64_t));
  auto* memory = reinterpret_cast<uint64_t*>(bytes.get());
  std::fill_n(memory, kWords, 1);
  std::atomic<uint64_t> sink{0};
  const double seconds = best_seconds([&] {
    pool.parallel_for(kParts, [&](int part) {
      const uint64_t* p = memory + kWords / kParts * static_cast<size_t>(part);
      uint64_t sum[8] = {};
      for (size_t i = 0; i < kWords / kParts; i += 8) {
        __builtin_prefetch(p + i + 256);
        for (size_t j = 0; j < 8; ++j) sum[j] += p[i + j];
      }
      for (const uint64_t s : sum) sink += s;
    });
  });
  return static_cast<double>(kWords) * 8 / seconds / 1e9;
}

}  // namespace

MachineLimits measure_limits(ThreadPool& pool, Isa isa) {
  return {read_gb_s(pool), int8_tops(pool, isa)};
}

}  // namespace overtake
