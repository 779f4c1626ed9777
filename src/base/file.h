// Files: read-only mappings, whole reads, atomic writes. Paths are UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// What tells a file's present bytes from others that may come to stand under its name.
struct FileIdentity {
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;  // the system sets it whenever bytes or name, owner, rights change
};

// A file mapped read-only for as long as the object lives. Move-only; reading from any thread.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }  // when it was opened
  // Tells the kernel that these pages will not be read again soon (after a copy was made of them).
  void drop_pages(std::span<const std::byte> part) const;
  // Has the kernel begin to read these pages from disk, without waiting for them.
  void fetch_pages(std::span<const std::byte> part) const;

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
  FileIdentity identity_;
};

// A file written beside `path` that takes its place when it is whole: after a crash `path` is
// either the old or the new one, never a mixture. Move-only.
class ReplacedFile {
 public:
  static Result<ReplacedFile> create(const std::string& path, unsigned mode);
  ReplacedFile(ReplacedFile&& other) noexcept;
  ReplacedFile& operator=(ReplacedFile&&) = delete;
  ~ReplacedFile();  // without commit, nothing is left of it

  Status append(std::string_view bytes);
  // What is not written between is zeros.
  Status write_at(uint64_t offset, std::string_view bytes);
  Status commit();  // fsync, rename, fsync of the folder

 private:
  ReplacedFile() = default;
  std::string path_;
  std::string temporary_;  // empty once it has its name
  int fd_ = -1;
  uint64_t size_ = 0;
};

// The whole file; kExhausted if it is larger than `max_bytes`.
Result<std::string> read_file(const std::string& path, uint64_t max_bytes);

// Replaces `path` as ReplacedFile does. `mode` as in open(2).
Status write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode = 0644);
// As above; the file is the parts, one after the other.
Status write_file_atomic(const std::string& path, std::span<const std::string_view> parts,
                         unsigned mode = 0644);

}  // namespace overtake
