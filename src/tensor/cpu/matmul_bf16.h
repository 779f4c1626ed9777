// Products on a matrix unit for bf16, which takes the rows of prompts.
#pragma once

#include <span>

#include "parallel/thread_pool.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/packed_weight.h"
#include "tensor/tensor.h"

namespace overtake {

// As matmul_prefill, for a weight that has_bf16().
void matmul_bf16(Tensor x, const PackedWeight& weight, std::span<const float> bias, bool accumulate,
                 Tensor y, MatmulScratch& scratch, ThreadPool& pool);

// As mlp_prefill and its question.
bool fits_mlp_bf16(const Mlp& mlp);
void mlp_bf16(Tensor x, const Mlp& mlp, Tensor into, MatmulScratch& scratch, ThreadPool& pool);

}  // namespace overtake
