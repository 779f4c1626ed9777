#include "tensor/cpu/weight_memory.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/checked.h"
#include "tensor/large_block.h"

namespace overtake {
namespace {

constexpr size_t kLine = 64;
// Address space taken at a time; the system gives memory to the pages that are written.
constexpr size_t kBlock = size_t{64} << 20;

struct Block {
  LargeBlock bytes;
  size_t size = 0;
  size_t used = 0;
};

}  // namespace

WeightMemory take_weight_memory(size_t size) {
  static std::mutex mutex;
  static std::weak_ptr<Block> newest;
  const std::optional<uint64_t> rounded = checked_align_up(size, kLine);
  if (!rounded) return {};
  const std::lock_guard lock(mutex);
  std::shared_ptr<Block> block = newest.lock();
  if (!block || *rounded > block->size - block->used) {
    block = std::make_shared<Block>();
    block->size = std::max<size_t>(*rounded, kBlock);
    block->bytes = allocate_block(block->size);
    if (!block->bytes) return {};
    newest = block;
  }
  std::byte* data = block->bytes.get() + block->used;
  block->used += *rounded;
  return {data, size, std::move(block)};
}

}  // namespace overtake
