// The matrix product of every linear layer on the CPU, over weights packed for the ISA at hand.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/tensor.h"
#include "tensor/weight.h"

namespace overtake {

class PackedCopy;

// Packs rows (see RowSpan) for the kernels of `isa`. Memory beside the file: the same bytes for
// F32, F16, BF16, at most about 1.1 times its bytes for integer types; for those with codebooks 1.3
// (IQ3_S) to 2.1 (IQ1_M), because codes are whole bits here. What `copy` has is taken from there
// instead, and what it has not is added to it.
Result<std::unique_ptr<Weight>> pack_cpu_weight(std::span<const RowSpan> rows, Isa isa,
                                                ThreadPool& pool, PackedCopy* copy = nullptr);

// Reused memory for packed activations; grows to the largest product it has served.
class MatmulScratch;
struct MatmulScratchDeleter {
  void operator()(MatmulScratch* scratch) const;
};
using MatmulScratchPtr = std::unique_ptr<MatmulScratch, MatmulScratchDeleter>;
MatmulScratchPtr make_matmul_scratch();

// y [n, n_out] = x [n, n_in] W^T + bias, or y += that where `accumulate`. `bias` is [n_out] or
// empty. `weight` is from pack_cpu_weight with the same isa. Row i of y depends on row i of x only,
// and is the same to the last bit for every n and every number of threads: integer weights multiply
// activations of two int8 terms (one scale per 32), sums run along K in one fixed order.
// AVX2, AVX-512 and AMX agree to the last bit too.
void matmul(Tensor x, const Weight& weight, std::span<const float> bias, bool accumulate, Tensor y,
            MatmulScratch& scratch, ThreadPool& pool);

// As matmul, for rows of prompts: where the weight has a bf16 form and the ISA a unit for it (AMX),
// weights and activations are rounded to bf16 and products summed in f32. Elsewhere only outliers
// keep the activations' second term (see FineCodes), with the same bits on every ISA. Row i of y
// depends on row i of x only here too, whatever n and the number of threads.
void matmul_prefill(Tensor x, const Weight& weight, std::span<const float> bias, bool accumulate,
                    Tensor y, MatmulScratch& scratch, ThreadPool& pool);
bool prefills_in_bf16(const Weight& weight);

// Two layers with a function between: into += down(activation(gate x) * (up x)) + down_bias, or,
// not gated, into += down(activation(up x)) + down_bias.
struct Mlp {
  const Weight& up;  // [width, n_in], or gated [2 width, n_in]: gate's rows, then up's
  std::span<const float> up_bias;  // of as many, or empty
  bool gated;
  Activation activation;
  // Of RowKernels, for the weights' ISA.
  void (*gate)(Activation activation, const float* gate, const float* up, float* out, int64_t n);
  const Weight& down;                // [n_out, width]
  std::span<const float> down_bias;  // [n_out], or empty
};
// Adds that for rows of prompts, with the bits of matmul_prefill, `gate` and matmul_prefill, but
// without what stands between in memory. Only where can_fuse_prefill().
void mlp_prefill(Tensor x, const Mlp& mlp, Tensor into, MatmulScratch& scratch, ThreadPool& pool);
bool can_fuse_prefill(const Mlp& mlp);

// Whether matmul_prefill's bits are not matmul's.
bool prefills_otherwise(const Weight& weight);

}  // namespace overtake
