#include "format/gguf_writer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "format/gguf_header.h"

namespace overtake {
namespace {

constexpr size_t kMaxNameBytes = 63;  // that llama.cpp reads

uint64_t padded(uint64_t size) {
  return (size + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment;
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Error exists(const std::string& path) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("the file exists already; {}; choose another name, or give --force to "
                      "replace it",
                      path)};
}

// The reason of a failed system call, in words for those that people can mend.
Error write_error(int code, const std::string& path, uint64_t needed) {
  const std::string needs =
      fmt::format("the file takes {:.1f} MB", static_cast<double>(needed) / 1e6);
  if (code == EFBIG) {
    return {ErrorCode::kIo, fmt::format("{}, more than the file system or a limit (ulimit -f) "
                                        "allows; {}; choose another disk or a smaller "
                                        "--type or --budget-gb",
                                        needs, path)};
  }
  if (code == ENOSPC || code == EDQUOT) {
    struct statvfs disk;
    const bool known = ::statvfs(folder_of(path).c_str(), &disk) == 0;
    const double left =
        known ? static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) / 1e6 : 0;
    return {ErrorCode::kIo,
            fmt::format("{}: {}, {:.1f} MB are free; {}; free some space, choose another disk or a "
                        "smaller --type or --budget-gb",
                        std::strerror(code), needs, left, path)};
  }
  return {ErrorCode::kIo, fmt::format("cannot write: {}; {}; check the path, its permissions and "
                                      "the disk",
                                      std::strerror(code), path)};
}

// 0 or the error's number.
int write_at(int fd, std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return ENOSPC;
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

// Renames without replacing anything where the file system can promise that.
int rename_into_place(const std::string& from, const std::string& to, bool overwrite) {
  if (!overwrite) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
  }
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

Status check_target(const std::string& path, bool overwrite) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (!std::filesystem::exists(status)) return {};
  if (!std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("not a regular file; {}; give the name of a file to write", path)};
  }
  return overwrite ? Status() : Status(exists(path));
}

Status check_tensor(const GgufTensor& tensor, const std::string& path) {
  OVERTAKE_CHECK(!tensor.shape.empty() && tensor.shape.back() % tensor.type->block == 0);
  if (tensor.name.size() <= kMaxNameBytes) return {};
  return Error{ErrorCode::kUnsupported,
               fmt::format("the name of tensor {} is longer than {} bytes; {}; other readers of "
                           "GGUF would refuse it",
                           escaped(tensor.name), kMaxNameBytes, path)};
}

// Room for the whole file, all zeros, so that a full disk shows before the work and not after it;
// file systems that cannot reserve show it later. 0 or the error's number.
int reserve(int fd, uint64_t size) {
  if (::fallocate(fd, 0, 0, static_cast<off_t>(size)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
    return errno;
  }
  return ::ftruncate(fd, static_cast<off_t>(size)) == 0 ? 0 : errno;
}

}  // namespace

uint64_t GgufTensor::n_bytes() const {
  int64_t n_rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) n_rows *= shape[i];
  return static_cast<uint64_t>(n_rows * type->row_bytes(shape.back()));
}

uint64_t GgufTensor::file_bytes() const { return padded(n_bytes()); }

uint64_t gguf_file_bytes(const Metadata& metadata, std::span<const GgufTensor> tensors) {
  std::vector<uint64_t> offsets;
  uint64_t data_bytes = 0;
  for (const GgufTensor& tensor : tensors) {
    offsets.push_back(data_bytes);
    data_bytes += tensor.file_bytes();
  }
  return gguf_header(metadata, tensors, offsets).size() + data_bytes;
}

Result<GgufWriter> GgufWriter::create(const std::string& path, const Metadata& metadata,
                                      std::vector<GgufTensor> tensors, bool overwrite) {
  TRY(check_target(path, overwrite));
  GgufWriter out;
  out.path_ = path;
  out.overwrite_ = overwrite;
  uint64_t data_bytes = 0;
  for (const GgufTensor& tensor : tensors) {
    TRY(check_tensor(tensor, path));
    out.offsets_.push_back(data_bytes);
    data_bytes += tensor.file_bytes();
  }
  const std::string header = gguf_header(metadata, tensors, out.offsets_);
  for (uint64_t& offset : out.offsets_) offset += header.size();
  out.tensors_ = std::move(tensors);
  out.file_bytes_ = header.size() + data_bytes;

  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  out.fd_ = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out.fd_ < 0) return write_error(errno, path, out.file_bytes_);
  out.temporary_ = temporary;
  int code = reserve(out.fd_, out.file_bytes_);
  if (code == 0) code = write_at(out.fd_, std::as_bytes(std::span(header)), 0);
  if (code != 0) return write_error(code, path, out.file_bytes_);
  return out;
}

GgufWriter::GgufWriter(GgufWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      overwrite_(other.overwrite_),
      fd_(std::exchange(other.fd_, -1)),
      tensors_(std::move(other.tensors_)),
      offsets_(std::move(other.offsets_)),
      file_bytes_(other.file_bytes_) {}

GgufWriter::~GgufWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status GgufWriter::write(size_t index, uint64_t offset, std::span<const std::byte> bytes) const {
  OVERTAKE_CHECK(index < tensors_.size() && fd_ >= 0);
  OVERTAKE_CHECK(offset + bytes.size() <= tensors_[index].n_bytes());
  const int code = write_at(fd_, bytes, offsets_[index] + offset);
  if (code != 0) return write_error(code, path_, file_bytes_);
  return {};
}

Status GgufWriter::finish() {
  OVERTAKE_CHECK(fd_ >= 0);
  if (::fsync(fd_) != 0) return write_error(errno, path_, file_bytes_);
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0) return write_error(errno, path_, file_bytes_);
  const int code = rename_into_place(temporary_, path_, overwrite_);
  if (code == EEXIST) return exists(path_);
  if (code != 0) return write_error(code, path_, file_bytes_);
  temporary_.clear();
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  const int reason = errno;
  if (folder >= 0) ::close(folder);
  if (!synced) return write_error(reason, path_, file_bytes_);
  return {};
}

}  // namespace overtake
