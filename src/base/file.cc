#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace overtake {
namespace {

Error io_error(std::string_view what, const std::string& path) {
  const int code = errno;
  return {code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          fmt::format("{}: {}; {}; check the path and its permissions", what, std::strerror(code),
                      path)};
}

// Closes a descriptor on every way out.
struct Descriptor {
  int fd;
  explicit Descriptor(int fd) : fd(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // Without O_NONBLOCK a named pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return io_error("cannot open", path);
  struct stat info;
  if (::fstat(file.fd, &info) != 0) return io_error("cannot stat", path);
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("not a regular file; {}; give the path of a file", path)};
  }
  MappedFile mapped;
  mapped.path_ = path;
  const auto nanoseconds = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  mapped.identity_ = {.inode = info.st_ino,
                      .size = static_cast<uint64_t>(info.st_size),
                      .modified_ns = nanoseconds(info.st_mtim),
                      .changed_ns = nanoseconds(info.st_ctim)};
  mapped.size_ = static_cast<size_t>(info.st_size);
  if (mapped.size_ > 0) {
    void* data = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data == MAP_FAILED) {
      mapped.size_ = 0;
      return io_error("cannot map", path);
    }
    mapped.data_ = static_cast<const std::byte*>(data);
  }
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  std::swap(identity_, other.identity_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::drop_pages(std::span<const std::byte> part) const {
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t file_end = reinterpret_cast<uintptr_t>(data_ + size_);
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(part.data()) + page - 1) / page * page;
  uintptr_t end = reinterpret_cast<uintptr_t>(part.data() + part.size());
  if (end != file_end) end = end / page * page;  // the last page of the file holds nothing else
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void MappedFile::fetch_pages(std::span<const std::byte> part) const {
  // Linux reads no more for one piece of advice than the device takes at once, and at least this.
  constexpr uintptr_t kStep = uintptr_t{128} << 10;
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t end = reinterpret_cast<uintptr_t>(part.data() + part.size());
  uintptr_t at = reinterpret_cast<uintptr_t>(part.data()) / page * page;
  for (; at < end; at += kStep) {
    const uintptr_t size = end - at < kStep ? end - at : kStep;
    if (::madvise(reinterpret_cast<void*>(at), size, MADV_WILLNEED) != 0) return;
  }
}

Result<std::string> read_file(const std::string& path, uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return io_error("cannot open", path);
  std::string out;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(file.fd, buffer, sizeof buffer);
    if (n == 0) return out;
    if (n < 0) {
      if (errno == EINTR) continue;
      return io_error("cannot read", path);
    }
    if (out.size() + static_cast<uint64_t>(n) > max_bytes) {
      return Error{ErrorCode::kExhausted, fmt::format("file larger than {} bytes; {}; is it the "
                                                      "right file?",
                                                      max_bytes, path)};
    }
    out.append(buffer, static_cast<size_t>(n));
  }
}

Status write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode) {
  return write_file_atomic(path, std::span(&bytes, 1), mode);
}

Status write_file_atomic(const std::string& path, std::span<const std::string_view> parts,
                         unsigned mode) {
  ReplacedFile file = TRY(ReplacedFile::create(path, mode));
  for (const std::string_view part : parts) TRY(file.append(part));
  return file.commit();
}

Result<ReplacedFile> ReplacedFile::create(const std::string& path, unsigned mode) {
  ReplacedFile out;
  out.path_ = path;
  std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  out.fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (out.fd_ < 0) return io_error("cannot create", temporary);
  out.temporary_ = std::move(temporary);
  return out;
}

ReplacedFile::ReplacedFile(ReplacedFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, "")),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_) {}

ReplacedFile::~ReplacedFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status ReplacedFile::append(std::string_view bytes) { return write_at(size_, bytes); }

Status ReplacedFile::write_at(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return io_error("cannot write", temporary_);
    }
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
    size_ = std::max(size_, offset);
  }
  return {};
}

Status ReplacedFile::commit() {
  if (::fsync(fd_) != 0) return io_error("cannot sync", temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return io_error("cannot rename into place", path_);
  }
  temporary_.clear();
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const Descriptor parent(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (parent.fd < 0 || ::fsync(parent.fd) != 0) return io_error("cannot sync folder of", path_);
  return {};
}

}  // namespace overtake
