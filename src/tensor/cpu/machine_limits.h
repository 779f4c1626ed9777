// What this machine can do at most, measured: the denominators of a bench's shares.
#pragma once

#include <array>
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
  double bytes_s = 0;  // the best of several passes of all threads over one buffer
  size_t n_bytes = 0;  // of that buffer
};
// Reads a buffer of `n_bytes` (at least 1 MB): where that many fit a cache, the cache's speed.
// kExhausted if the system has no such memory.
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
