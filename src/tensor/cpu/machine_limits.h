// What this machine can do at most, measured: the denominators of a bench's shares.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/work.h"

namespace overtake {

// Of one instruction on all threads, its operands in registers: the best of several runs.
struct InstructionPeak {
  Isa isa;  // the weakest that has it
  std::string_view instruction;
  MultiplyKind kind;
  bool used;            // see PeakKernel
  double operations_s;  // multiplications and additions a second
};

// kBest: for each MultiplyKind, of the strongest instruction set up to `isa` that multiplies it.
// kAll: of all that this machine has up to `isa`, weaker sets first.
enum class PeakSet { kBest, kAll };
std::vector<InstructionPeak> measure_peaks(ThreadPool& pool, Isa isa, PeakSet set);

struct ReadLimit {
  double bytes_s = 0;  // the best of several runs of all threads over the same bytes; 0: none
  size_t n_bytes = 0;
};

// Reads the same memory again and again: where it fits a cache, the cache's speed. What it reads
// must outlive it. One thread, which calls the pool.
class ReadMeter {
 public:
  // `parts` begin at addresses divisible by 64. Less than 1 KB in one piece is not read; if there
  // is nothing else, there is no limit.
  ReadMeter(ThreadPool& pool, Isa isa, std::span<const std::span<const std::byte>> parts);
  // Some passes without a pause, for about 30 ms.
  void run();
  const ReadLimit& limit() const { return limit_; }

 private:
  double pass(int n_passes);

  ThreadPool& pool_;
  uint64_t (*read_)(const std::byte* data, size_t bytes);
  std::vector<std::span<const std::byte>> chunks_;
  int n_passes_ = 1;
  ReadLimit limit_;
};

// The best of several runs over a buffer of its own, of `n_bytes` (at least 1 MB). kExhausted if
// the system has no such memory.
Result<ReadLimit> measure_read(ThreadPool& pool, Isa isa, size_t n_bytes);

// What work at `isa` cannot exceed.
struct MachineLimits {
  ReadLimit read;
  // Best used peak by MultiplyKind. Where no instruction multiplies bf16, f32's stands for it.
  std::array<InstructionPeak, kMultiplyKinds> peak;
  std::vector<InstructionPeak> all;
};
MachineLimits limits_of(std::vector<InstructionPeak> peaks, const ReadLimit& read);

// The least time that `work` takes on such a machine, and why.
struct Bound {
  double seconds = 0;
  bool by_reading = false;  // else by multiplying
  MultiplyKind kind = MultiplyKind::kF32;
};
// All operations count at the peak of what most of them multiply, and all bytes as read once:
// no real computation can reach a share of 1.
Bound bound_of(const Work& work, const MachineLimits& limits);

std::string_view kind_name(MultiplyKind kind);  // "int8", "bf16", "f32"

}  // namespace overtake
