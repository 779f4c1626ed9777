// Files: read-only mappings, whole reads, atomic writes. Paths are UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// A file mapped read-only for as long as the object lives. Move-only; reading from any thread.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  // Tells the kernel that these pages will not be read again soon (after a copy was made of them).
  void drop_pages(std::span<const std::byte> part) const;
  // Has the kernel begin to read these pages from disk, without waiting for them.
  void fetch_pages(std::span<const std::byte> part) const;

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
};

// The whole file; kExhausted if it is larger than `max_bytes`.
Result<std::string> read_file(const std::string& path, uint64_t max_bytes);

// Replaces `path` so that after a crash it holds either the old or the new bytes, never a mixture
// (temporary file, fsync, rename, fsync of the folder). `mode` as in open(2).
Status write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode = 0644);
// As above; the file is the parts, one after the other.
Status write_file_atomic(const std::string& path, std::span<const std::string_view> parts,
                         unsigned mode = 0644);

}  // namespace overtake
