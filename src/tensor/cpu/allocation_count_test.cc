#include "tensor/cpu/allocation_count_test.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> n_allocations{0};

void* counted(size_t size, size_t alignment) noexcept {
  ++n_allocations;
  const size_t rounded = (std::max<size_t>(size, 1) + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded);
}

}  // namespace

namespace overtake {
int64_t allocation_count() { return n_allocations; }
}  // namespace overtake

void* operator new(size_t size) {
  void* p = counted(size, alignof(std::max_align_t));
  return p ? p : throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t alignment) {
  void* p = counted(size, static_cast<size_t>(alignment));
  return p ? p : throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(size, static_cast<size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
