#include "tensor/cpu/weight_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>

#include "base/checked.h"

namespace overtake {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
// Address space taken at a time; the system gives memory to the pages that are written.
constexpr size_t kBlock = size_t{64} << 20;

struct Block {
  AlignedBytes bytes;
  size_t used = 0;
};

}  // namespace

AlignedBytes::~AlignedBytes() {
  if (data_) ::operator delete(data_, std::align_val_t{alignment_});
}

AlignedBytes AlignedBytes::allocate(size_t size) {
  AlignedBytes out;
  const std::optional<uint64_t> rounded = checked_align_up(std::max(size, kLine), kLine);
  if (!rounded) return out;
  out.alignment_ = size >= kHugePage ? kHugePage : kLine;
  out.data_ = static_cast<std::byte*>(
      ::operator new(*rounded, std::align_val_t{out.alignment_}, std::nothrow));
  if (out.data_ == nullptr) return out;
  out.size_ = *rounded;
  // A hint: fewer address translations while the whole matrix streams by.
  if (out.alignment_ == kHugePage) madvise(out.data_, out.size_, MADV_HUGEPAGE);
  return out;
}

WeightMemory take_weight_memory(size_t size) {
  static std::mutex mutex;
  static std::weak_ptr<Block> newest;
  const std::optional<uint64_t> rounded = checked_align_up(size, kLine);
  if (!rounded) return {};
  const std::lock_guard lock(mutex);
  std::shared_ptr<Block> block = newest.lock();
  if (!block || *rounded > block->bytes.size() - block->used) {
    block = std::make_shared<Block>();
    block->bytes = AlignedBytes::allocate(std::max<size_t>(*rounded, kBlock));
    if (block->bytes.data() == nullptr) return {};
    newest = block;
  }
  std::byte* data = block->bytes.data() + block->used;
  block->used += *rounded;
  return {data, size, std::move(block)};
}

}  // namespace overtake
