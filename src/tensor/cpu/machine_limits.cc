#include "tensor/cpu/machine_limits.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

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
    case Isa::kAvxVnni:
      return &peak_kernels_avxvnni;
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

// Threads take long runs of bytes: each new one costs what was fetched ahead of the last.
ReadMeter::ReadMeter(ThreadPool& pool, Isa isa, std::span<const std::span<const std::byte>> parts)
    : pool_(pool), read_(peak_kernels_of(std::min(isa, Isa::kAvx512))->read) {
  constexpr size_t kChunk = size_t{4} << 20;
  for (std::span<const std::byte> part : parts) {
    while (part.size() >= kReadGrain) {
      const size_t size = std::min(kChunk, part.size()) / kReadGrain * kReadGrain;
      chunks_.push_back(part.first(size));
      limit_.n_bytes += size;
      part = part.subspan(size);
    }
  }
  if (chunks_.empty()) return;
  const double seconds = std::min(pass(1), pass(1));
  n_passes_ = static_cast<int>(std::clamp(kRunSeconds / seconds, 1.0, 1000.0));
}

double ReadMeter::pass(int n_passes) {
  const int n_chunks = static_cast<int>(chunks_.size());
  std::atomic<uint64_t> sink{0};
  return seconds_of([&] {
    pool_.parallel_for(n_chunks * n_passes, [&](int i) {
      const std::span<const std::byte> chunk = chunks_[static_cast<size_t>(i % n_chunks)];
      sink.fetch_or(read_(chunk.data(), chunk.size()), std::memory_order_relaxed);
    });
  });
}

void ReadMeter::run() {
  if (chunks_.empty()) return;
  const double bytes = static_cast<double>(limit_.n_bytes) * n_passes_;
  limit_.bytes_s = std::max(limit_.bytes_s, bytes / pass(n_passes_));
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
  const int n_grains = static_cast<int>(size / kReadGrain);
  pool.parallel_for(n_grains, [&](int i) {
    std::memset(block.get() + static_cast<size_t>(i) * kReadGrain, 1, kReadGrain);
  });
  const std::span<const std::byte> bytes(block.get(), size);
  ReadMeter meter(pool, isa, {&bytes, 1});
  for (int i = 0; i < kRuns; ++i) meter.run();
  return meter.limit();
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
