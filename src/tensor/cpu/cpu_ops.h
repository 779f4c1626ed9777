// The Ops of the CPU backend: arena, rows spread over the pool, attention over paged state.
#pragma once

#include <memory>

#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/ops.h"

namespace overtake {

// `pool` must outlive the result. Weights given to it come from pack_cpu_weight with the same isa.
// `bf16_prompts`: prompts may be attended in bf16 (see Phase), because the model's weights are no
// more precise; else they are attended as decoding does it.
std::unique_ptr<Ops> make_cpu_ops(ThreadPool& pool, Isa isa, bool bf16_prompts);

}  // namespace overtake
