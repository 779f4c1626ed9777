#include "tensor/cpu/machine_limits.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "tensor/cpu/peak_kernels.h"
#include "tensor/large_block.h"

namespace overtake {
namespace {

constexpr int kRuns = 5;
constexpr double kRunSeconds = 0.03;
// Chunks a thread gets in one run, so that one that the kernel puts aside costs little.
constexpr int kChunks = 12;
constexpr size_t kReadGrain = 1024;  // see PeakKernels::read

template <typename Run>
double seconds_of(const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

const PeakKernels* peak_kernels_of(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return &peak_kernels_avx2;
    case Isa::kAvx512:
      return &peak_kernels_avx512;
    case Isa::kAmx:
      return &peak_kernels_amx;
#endif
    default:
      return &peak_kernels_scalar;
  }
}

// Steps that take about `seconds` on one thread.
int64_t steps_for(const PeakKernel& kernel, double seconds) {
  for (int64_t n_steps = 1000;; n_steps *= 4) {
    const double took = seconds_of([&] { kernel.run(n_steps); });
    if (took < seconds / 4) continue;
    return std::max<int64_t>(1,
                             static_cast<int64_t>(static_cast<double>(n_steps) * seconds / took));
  }
}

double measure(ThreadPool& pool, const PeakKernel& kernel) {
  const int64_t n_steps = steps_for(kernel, kRunSeconds / kChunks);
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    std::atomic<double> operations{0};
    const double seconds = seconds_of([&] {
      pool.parallel_for(kChunks * pool.n_threads(),
                        [&](int) { operations.fetch_add(kernel.run(n_steps)); });
    });
    best = std::max(best, operations / seconds);
  }
  return best;
}

}  // namespace

std::vector<InstructionPeak> measure_peaks(ThreadPool& pool, Isa isa, PeakSet set) {
  std::vector<Isa> isas = supported_isas();
  std::erase_if(isas, [&](Isa each) { return each > isa; });
  if (set == PeakSet::kBest) std::ranges::reverse(isas);
  std::vector<InstructionPeak> out;
  for (const Isa each : isas) {
    for (const PeakKernel& kernel : peak_kernels_of(each)->multiply) {
      if (kernel.needs && !has_extension(*kernel.needs)) continue;
      const auto known = std::ranges::find(out, kernel.kind, &InstructionPeak::kind);
      if (set == PeakSet::kBest && (!kernel.used || known != out.end())) continue;
      out.push_back({each, kernel.instruction, kernel.kind, kernel.used, measure(pool, kernel)});
    }
  }
  return out;
}

Result<ReadLimit> measure_read(ThreadPool& pool, Isa isa, size_t n_bytes) {
  const size_t size = std::max(n_bytes, size_t{1} << 20) / kReadGrain * kReadGrain;
  const LargeBlock block = allocate_block(size);
  if (!block) {
    return Error{ErrorCode::kExhausted,
                 fmt::format("no memory for a buffer of {} bytes; measuring how fast this machine "
                             "reads; close other programs",
                             size)};
  }
  const PeakKernels* kernels = peak_kernels_of(std::min(isa, Isa::kAvx512));
  // Long runs: each new one costs what the processor had fetched ahead of the last.
  const int n_chunks = kChunks * pool.n_threads();
  const size_t n_grains = size / kReadGrain;
  const auto chunk = [&](int i) {
    const auto at = [&](int part) {
      return n_grains * static_cast<size_t>(part) / static_cast<size_t>(n_chunks) * kReadGrain;
    };
    return std::span(block.get() + at(i), at(i + 1) - at(i));
  };
  pool.parallel_for(n_chunks, [&](int i) { std::memset(chunk(i).data(), 1, chunk(i).size()); });
  std::atomic<uint64_t> sink{0};
  const auto pass = [&] {
    pool.parallel_for(n_chunks, [&](int i) {
      sink.fetch_or(kernels->read(chunk(i).data(), chunk(i).size()), std::memory_order_relaxed);
    });
  };
  double best = seconds_of(pass), total = 0;
  for (int i = 1; i < kRuns || total < kRuns * kRunSeconds; ++i) {
    const double took = seconds_of(pass);
    best = std::min(best, took);
    total += took;
  }
  OVERTAKE_CHECK(sink != 0);
  return ReadLimit{static_cast<double>(size) / best, size};
}

MachineLimits limits_of(std::vector<InstructionPeak> peaks, const ReadLimit& read) {
  MachineLimits out;
  out.read = read;
  for (InstructionPeak& best : out.peak) best = {Isa::kScalar, "", MultiplyKind::kF32, true, 0};
  for (const InstructionPeak& peak : peaks) {
    InstructionPeak& best = out.peak[static_cast<size_t>(peak.kind)];
    if (peak.used && peak.operations_s > best.operations_s) best = peak;
  }
  InstructionPeak& bf16 = out.peak[static_cast<size_t>(MultiplyKind::kBf16)];
  const InstructionPeak& f32 = out.peak[static_cast<size_t>(MultiplyKind::kF32)];
  if (bf16.operations_s == 0) bf16 = f32;
  out.all = std::move(peaks);
  return out;
}

Bound bound_of(const Work& work, const MachineLimits& limits) {
  const MultiplyKind kind = work.main_kind();
  const double peak = limits.peak[static_cast<size_t>(kind)].operations_s;
  const double multiplying = peak > 0 ? work.operations() / peak : 0;
  const double reading = limits.read.bytes_s > 0 ? work.bytes / limits.read.bytes_s : 0;
  return {std::max(multiplying, reading), reading >= multiplying, kind};
}

std::string_view kind_name(MultiplyKind kind) {
  constexpr std::string_view names[kMultiplyKinds] = {"int8", "bf16", "f32"};
  return names[static_cast<size_t>(kind)];
}

}  // namespace overtake
