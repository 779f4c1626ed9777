// LargeBlock: memory that is read in full again and again. Where the kernel has huge pages it lies
// in them: with small ones, looking addresses up costs a third of the speed of reading.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace overtake {

struct FreeBlock {
  void operator()(std::byte* data) const { std::free(data); }
};
using LargeBlock = std::unique_ptr<std::byte, FreeBlock>;

// `bytes`, not initialized, at an address divisible by 64; null if the system has no memory left.
LargeBlock allocate_block(size_t bytes);

}  // namespace overtake
