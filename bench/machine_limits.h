// What this machine can do at most: the denominators of a bench's shares.
#pragma once

#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {

struct MachineLimits {
  double read_gb_s;  // memory read by all threads, far larger than the caches
  // Additions and multiplications of int8 dot products in registers, all threads; 0 where the ISA
  // is scalar, whose limit says nothing.
  double int8_tops;
};

// The best of several short runs on the pool's threads.
MachineLimits measure_limits(ThreadPool& pool, Isa isa);

}  // namespace overtake
