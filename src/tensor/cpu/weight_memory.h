// Memory for what the matrix product reads. Matrices share large blocks, so that small ones lie on
// huge pages too: with 4 KB pages a core streams weights at two thirds of the speed.
#pragma once

#include <cstddef>
#include <memory>

#include "parallel/thread_pool.h"

namespace overtake {

// A part of a block that many matrices share, most being smaller than a huge page. The block goes
// back to the system with the last of them.
struct WeightMemory {
  std::byte* data = nullptr;  // null if the system has no such memory
  size_t size = 0;
  std::shared_ptr<const void> block;
};

// Any thread. The pool's threads have the system give pages to the memory.
WeightMemory take_weight_memory(size_t size, ThreadPool& pool);

}  // namespace overtake
