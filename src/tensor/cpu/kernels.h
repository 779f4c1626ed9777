// Kernels: the functions that exist once per instruction set, as one table of pointers each. They
// are written once, in kernel/*.inl.h, against the F32 of kernel/simd_<isa>.inl.h.
#pragma once

#include <cstdint>

#include "tensor/cpu/attention_kernels.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/cpu/recurrence_kernels.h"
#include "tensor/weight.h"

namespace overtake {

struct NormRow {
  const float* weight;
  const float* bias;  // or null
  float epsilon;
};

struct ScaleRow {
  const float* scale;
  const float* bias;  // or null
  const float* add;   // or null
};

// One row at a time; results depend on the row only. In and out may be the same memory.
struct RowKernels {
  void (*rms_norm)(const float* x, const NormRow& norm, float* out, int64_t n);
  void (*layer_norm)(const float* x, const NormRow& norm, float* out, int64_t n);
  // out = activation(gate) * up; without the factor where `up` is null.
  void (*gate)(Activation activation, const float* gate, const float* up, float* out, int64_t n);
  // out = x * scale + bias + add; `bias` and `add` may be null.
  void (*scale)(const float* x, const ScaleRow& by, float* out, int64_t n);
  // out = exp(x), for tests of the function that all of softmax rests on.
  void (*exp)(const float* x, float* out, int64_t n);
};

struct Kernels {
  Isa isa;
  RowKernels row;
  AttentionKernels attention;
  RecurrenceKernels recurrence;
};

extern const Kernels kernels_scalar;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

// The table of an ISA that this processor supports.
const Kernels& kernels_for(Isa isa);

}  // namespace overtake
