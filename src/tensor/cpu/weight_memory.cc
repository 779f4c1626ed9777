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
constexpr size_t kHugePage = size_t{2} << 20;
// The most that is touched before anybody asked for it: what a model may hold and never use.
constexpr int kMaxPagesAhead = 4;

struct Block {
  LargeBlock bytes;
  size_t size = 0;
  size_t used = 0;
  size_t touched = 0;  // the bytes that have pages
};

// Gives pages to the first `used` bytes. Threads that meet a huge page at its first touch would
// each fill one with zeros and all but one give it back, so every page is touched by one thread,
// and a few at once, so that all threads fill.
void touch(Block& block, ThreadPool& pool) {
  if (block.used <= block.touched) return;
  const size_t ahead = static_cast<size_t>(std::min(pool.n_threads(), kMaxPagesAhead)) * kHugePage;
  const size_t wanted = std::max(block.used, std::min(block.size, block.touched + ahead));
  const size_t n_pages = (wanted - block.touched + kHugePage - 1) / kHugePage;
  std::byte* first = block.bytes.get() + block.touched;
  pool.parallel_for(static_cast<int>(n_pages), [first](int page) {
    *static_cast<volatile std::byte*>(first + static_cast<size_t>(page) * kHugePage) = {};
  });
  block.touched += n_pages * kHugePage;
}

}  // namespace

WeightMemory take_weight_memory(size_t size, ThreadPool& pool) {
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
  touch(*block, pool);
  return {data, size, std::move(block)};
}

}  // namespace overtake
