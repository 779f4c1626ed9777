#include "tensor/large_mapping.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <utility>

namespace overtake {
namespace {

Error io_error(std::string_view what, int code, const std::string& path) {
  return {code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          fmt::format("{}: {}; {}; check the path and its permissions", what, std::strerror(code),
                      path)};
}

}  // namespace

Result<LargeMapping> LargeMapping::open(const std::string& path) {
  LargeMapping out;
  out.path_ = path;
  // Without O_NONBLOCK a named pipe would wait for its writer.
  out.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (out.fd_ < 0) return io_error("cannot open", errno, path);
  struct stat info;
  if (::fstat(out.fd_, &info) != 0) return io_error("cannot stat", errno, path);
  if (!S_ISREG(info.st_mode) || info.st_size <= 0) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("not a file with something in it; {}; remove it", path)};
  }
  out.size_ = static_cast<size_t>(info.st_size);
  TRY(out.map());
  return out;
}

Status LargeMapping::map() {
  // Address space is taken with a huge page to spare, and the file put where one begins.
  const size_t reserved = size_ + kHugePageBytes;
  if (reserved < size_) return io_error("cannot map", EOVERFLOW, path_);
  void* space =
      ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return io_error("cannot map", errno, path_);
  const auto first = reinterpret_cast<uintptr_t>(space);
  const uintptr_t aligned = (first + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  void* at = reinterpret_cast<void*>(aligned);
  if (::mmap(at, size_, PROT_READ, MAP_SHARED | MAP_FIXED, fd_, 0) == MAP_FAILED) {
    const int code = errno;
    ::munmap(space, reserved);
    return io_error("cannot map", code, path_);
  }
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t end = (aligned + size_ + page - 1) / page * page;
  if (aligned > first) ::munmap(space, aligned - first);
  if (end < first + reserved) ::munmap(reinterpret_cast<void*>(end), first + reserved - end);
  data_ = static_cast<std::byte*>(at);
  // Advice only: a kernel that has none for files declines, and that is fine.
  ::madvise(data_, size_, MADV_HUGEPAGE);
  return {};
}

void LargeMapping::unmap() {
  if (data_) ::munmap(data_, size_);
  data_ = nullptr;
}

LargeMapping::LargeMapping(LargeMapping&& other) noexcept { *this = std::move(other); }

LargeMapping& LargeMapping::operator=(LargeMapping&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

LargeMapping::~LargeMapping() {
  unmap();
  if (fd_ >= 0) ::close(fd_);
}

// /proc/PID/smaps (proc_pid_smaps(5)): a line "BEGIN-END ..." and below it lines "KEY: N kB".
double LargeMapping::share_in_huge_pages() const {
  std::ifstream file("/proc/self/smaps");
  const std::string head = fmt::format("{:x}-", reinterpret_cast<uintptr_t>(data_));
  std::string line;
  while (std::getline(file, line) && !line.starts_with(head)) {
  }
  double resident = 0, huge = 0;
  while (std::getline(file, line) && !line.starts_with("VmFlags:")) {
    const auto value = [&](std::string_view key) {
      return line.starts_with(key) ? std::strtod(line.c_str() + key.size(), nullptr) : 0;
    };
    resident += value("Rss:");
    huge += value("FilePmdMapped:");
  }
  return resident > 0 ? huge / resident : 0;
}

Status LargeMapping::map_anew() {
  unmap();
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  return map();
}

Status LargeMapping::read(size_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t n = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", errno, path_);
    if (n == 0) return Error{ErrorCode::kDamaged, fmt::format("file ends early; {}", path_)};
    into = into.subspan(static_cast<size_t>(n));
    offset += static_cast<size_t>(n);
  }
  return {};
}

bool has_huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  return std::getline(file, line) && line.find("[never]") == std::string::npos;
}

}  // namespace overtake
