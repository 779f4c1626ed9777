// LargeMapping: a file mapped so that it may lie in huge pages (see LargeBlock), where the file
// system keeps its pages so (Linux since 6.16 on ext4, earlier on XFS), and only then is read as
// fast as memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace overtake {

constexpr size_t kHugePageBytes = size_t{2} << 20;

// Read-only, shared with all processes that map the file. Move-only; reading from any thread.
class LargeMapping {
 public:
  static Result<LargeMapping> open(const std::string& path);
  LargeMapping(LargeMapping&& other) noexcept;
  LargeMapping& operator=(LargeMapping&& other) noexcept;
  ~LargeMapping();

  // At an address divisible by kHugePageBytes.
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Of the pages that are mapped in now, those in huge pages; 0 where the kernel does not tell.
  double share_in_huge_pages() const;
  // Maps the file anew after its pages, unless somebody else has mapped them, have left memory, so
  // that they come back as large as the kernel can have them. bytes() change.
  Status map_anew();
  // Copies `into.size()` bytes from `offset` on, by reading.
  Status read(size_t offset, std::span<std::byte> into) const;

 private:
  LargeMapping() = default;
  Status map();
  void unmap();

  std::string path_;
  int fd_ = -1;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Whether memory of this process can lie in huge pages at all.
bool has_huge_pages();

}  // namespace overtake
