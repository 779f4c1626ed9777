// Aligned memory for what the matrix product reads, on huge pages where it is large: with 4 KB
// pages a core streams weights at two thirds of the speed.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace overtake {

// Memory aligned to cache lines, to huge pages where it is large. Not initialized.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  AlignedBytes(AlignedBytes&& other) noexcept { *this = std::move(other); }
  AlignedBytes& operator=(AlignedBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(alignment_, other.alignment_);
    return *this;
  }
  ~AlignedBytes();

  // Empty if the system has no such memory.
  static AlignedBytes allocate(size_t size);
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t alignment_ = 0;
};

// A part of a block that many matrices share, most being smaller than a huge page. The block goes
// back to the system with the last of them.
struct WeightMemory {
  std::byte* data = nullptr;  // null if the system has no such memory
  size_t size = 0;
  std::shared_ptr<const void> block;
};

// Any thread.
WeightMemory take_weight_memory(size_t size);

}  // namespace overtake
