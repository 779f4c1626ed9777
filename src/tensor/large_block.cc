#include "tensor/large_block.h"

#include <sys/mman.h>

#include <cstdint>

namespace overtake {

LargeBlock allocate_block(size_t bytes) {
  constexpr size_t kCacheLine = 64;
  constexpr size_t kHugePage = size_t{2} << 20;
  const bool large = bytes >= kHugePage;
  const size_t alignment = large ? kHugePage : kCacheLine;
  if (bytes > SIZE_MAX - alignment) return nullptr;
  const size_t size = (bytes + alignment - 1) / alignment * alignment;
  LargeBlock block(static_cast<std::byte*>(std::aligned_alloc(alignment, size)));
  // Advice only: a kernel without huge pages declines, and that is fine.
  if (block && large) ::madvise(block.get(), size, MADV_HUGEPAGE);
  return block;
}

}  // namespace overtake
