#include "tensor/cpu/arena.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"

namespace overtake {
namespace {

constexpr size_t kAlign = 64 / sizeof(float);
constexpr size_t kLeast = size_t{1} << 18;  // 1 MiB: growth in smaller steps would never end

}  // namespace

void Arena::grow(size_t at_least) {
  const size_t size = (std::max(at_least, kLeast) + kAlign - 1) / kAlign * kAlign;
  LargeBlock data = allocate_block(size * sizeof(float));
  if (!data) throw std::bad_alloc();
  std::memset(data.get(), 0, size * sizeof(float));
  blocks_.push_back({std::move(data), size});
}

float* Arena::floats(int64_t n) {
  OVERTAKE_CHECK(n >= 0);
  const size_t size = (static_cast<size_t>(n) + kAlign - 1) / kAlign * kAlign;
  if (blocks_.empty()) grow(size);
  while (used_ + size > blocks_[current_].size) {
    before_ += blocks_[current_].size;
    used_ = 0;
    if (++current_ == blocks_.size()) grow(size);
  }
  float* out = reinterpret_cast<float*>(blocks_[current_].data.get()) + used_;
  used_ += size;
  return out;
}

void Arena::release(size_t mark) {
  OVERTAKE_CHECK(mark <= before_ + used_);
  while (mark < before_) before_ -= blocks_[--current_].size;
  used_ = mark - before_;
}

void Arena::reset() {
  current_ = used_ = before_ = 0;
  if (blocks_.size() < 2) return;
  const size_t total = bytes() / sizeof(float);
  blocks_.clear();
  grow(total);
}

size_t Arena::bytes() const {
  size_t size = 0;
  for (const Block& block : blocks_) size += block.size;
  return size * sizeof(float);
}

}  // namespace overtake
