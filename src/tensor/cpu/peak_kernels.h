// Loops that do nothing but multiply and add in registers, or read memory: what an instruction set
// can reach at most. For measuring only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tensor/cpu/cpu_backend.h"
#include "tensor/work.h"

namespace overtake {

struct PeakKernel {
  std::string_view instruction;  // "vpdpbusd"
  MultiplyKind kind;
  std::optional<Extension> needs;
  bool used;  // by kernels of this program, if the machine has it: else it is no limit of theirs
  double (*run)(int64_t n_steps);  // multiplications and additions done
};

struct PeakKernels {
  std::span<const PeakKernel> multiply;
  // Reads `bytes` bytes, a multiple of 1024, from an address divisible by 64; what it returns keeps
  // the compiler from leaving the work out.
  uint64_t (*read)(const std::byte* data, size_t bytes);
};

// Independent sums: enough to hide the latency of every port.
constexpr int kPeakChains = 12;

extern const PeakKernels peak_kernels_scalar;
#if defined(__x86_64__)
extern const PeakKernels peak_kernels_avx2;
extern const PeakKernels peak_kernels_avxvnni;
extern const PeakKernels peak_kernels_avx512;
extern const PeakKernels peak_kernels_amx;  // read is null: AVX-512's serves
#endif

}  // namespace overtake
