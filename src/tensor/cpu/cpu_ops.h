// The Ops of the CPU backend: arena, rows spread over the pool, attention over paged state.
#pragma once

#include <memory>

#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/ops.h"

namespace overtake {

// `pool` must outlive the result. Weights given to it come from pack_cpu_weight with the same isa.
std::unique_ptr<Ops> make_cpu_ops(ThreadPool& pool, Isa isa);

}  // namespace overtake
