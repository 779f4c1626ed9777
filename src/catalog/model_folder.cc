#include "catalog/model_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "catalog/store.h"

namespace overtake {
namespace {

constexpr const char* kLockName = ".lock";

Error os_error(std::string_view what, const std::string& path) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT;
  return {full ? ErrorCode::kExhausted : ErrorCode::kIo,
          fmt::format("{}: {}; {}; {}", what, std::strerror(code), path,
                      full ? "make room, or set OVERTAKE_HOME to another disk"
                           : "check the folder and its permissions")};
}

// Whether the lock that we hold is the file of that name, and not one that its last holder removed.
bool is_current_lock(int folder, int lock) {
  struct stat ours, named;
  return ::fstat(lock, &ours) == 0 &&
         ::fstatat(folder, kLockName, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_ino == named.st_ino;
}

Result<int> open_folder(int models, const std::string& name, const std::string& path) {
  const int fd = ::openat(models, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) return fd;
  if (errno == ELOOP || errno == ENOTDIR) {
    return Error{
        ErrorCode::kPermissionDenied,
        fmt::format("a link or a file stands where a model's folder should be; {}; move it "
                    "away: Overtake writes only into folders of its own",
                    path)};
  }
  if (errno == ENOENT) {
    return Error{ErrorCode::kNotFound, fmt::format("no such model; {}; see `overtake list`", path)};
  }
  return os_error("cannot open the folder", path);
}

}  // namespace

Result<ModelFolder> ModelFolder::open(std::string_view name, bool create) {
  if (!is_model_name(name)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("not the name of a model in the store; \"{}\"; names have a-z, 0-9, "
                             "\".\", \"_\" and \"-\"",
                             escaped(name))};
  }
  ModelFolder out;
  out.name_ = name;
  const std::string models = overtake_home() + "/models";
  out.path_ = models + "/" + out.name_;
  std::error_code error;
  if (create) std::filesystem::create_directories(models, error);
  out.models_ = ::open(models.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (out.models_ < 0) return os_error("cannot open the store", models);
  if (create && ::mkdirat(out.models_, out.name_.c_str(), 0755) != 0 && errno != EEXIST) {
    return os_error("cannot make the folder", out.path_);
  }
  out.folder_ = TRY(open_folder(out.models_, out.name_, out.path_));
  out.lock_ = ::openat(out.folder_, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (out.lock_ < 0) return os_error("cannot make the lock", out.path_ + "/" + kLockName);
  if (::flock(out.lock_, LOCK_EX | LOCK_NB) != 0 || !is_current_lock(out.folder_, out.lock_)) {
    ::close(std::exchange(out.lock_, -1));  // not ours to remove
    return Error{ErrorCode::kUnavailable,
                 fmt::format("another `overtake` is fetching or removing this model; {}; wait for "
                             "it, or stop it",
                             out.path_)};
  }
  return out;
}

ModelFolder::ModelFolder(ModelFolder&& other) noexcept
    : path_(std::move(other.path_)),
      models_(std::exchange(other.models_, -1)),
      folder_(std::exchange(other.folder_, -1)),
      lock_(std::exchange(other.lock_, -1)),
      name_(std::move(other.name_)) {}

ModelFolder::~ModelFolder() {
  if (lock_ >= 0) {
    // Still locked: nobody else removes it meanwhile.
    ::unlinkat(folder_, kLockName, 0);
    ::unlinkat(models_, name_.c_str(), AT_REMOVEDIR);  // fails unless empty, as it should
  }
  for (const int fd : {lock_, folder_, models_}) {
    if (fd >= 0) ::close(fd);
  }
}

std::vector<std::string> ModelFolder::names() const {
  std::vector<std::string> out;
  const int copy = ::openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = copy < 0 ? nullptr : ::fdopendir(copy);
  if (!list) return out;
  while (const dirent* entry = ::readdir(list)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name != kLockName) out.push_back(name);
  }
  ::closedir(list);
  std::ranges::sort(out);
  return out;
}

uint64_t ModelFolder::free_bytes() const {
  struct statvfs info;
  if (::fstatvfs(folder_, &info) != 0) return UINT64_MAX;  // unknown: let the writing tell
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

std::optional<uint64_t> ModelFolder::size_of(const std::string& name) const {
  struct stat info;
  if (::fstatat(folder_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

Result<int> ModelFolder::open_to_write(const std::string& name) const {
  OVERTAKE_CHECK(name.find('/') == std::string::npos);
  struct stat info;
  if (::fstatat(folder_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
      (!S_ISREG(info.st_mode) || info.st_nlink != 1)) {
    TRY(remove(name));
  }
  const int fd = ::openat(folder_, name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return os_error("cannot write", path_ + "/" + name);
  return fd;
}

Result<int> ModelFolder::open_to_read(const std::string& name) const {
  OVERTAKE_CHECK(name.find('/') == std::string::npos);
  const int fd = ::openat(folder_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return os_error("cannot read", path_ + "/" + name);
  return fd;
}

Status ModelFolder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(folder_, from.c_str(), folder_, to.c_str()) == 0) return {};
  return os_error("cannot rename into place", path_ + "/" + to);
}

Status ModelFolder::remove(const std::string& name) const {
  if (::unlinkat(folder_, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return os_error("cannot remove", path_ + "/" + name);
}

Status ModelFolder::sync() const {
  if (::fsync(folder_) == 0) return {};
  return os_error("cannot sync the folder", path_);
}

Status ModelFolder::remove_all() {
  for (const std::string& name : names()) TRY(remove(name));
  ::unlinkat(folder_, kLockName, 0);
  if (::unlinkat(models_, name_.c_str(), AT_REMOVEDIR) != 0) {
    return os_error("cannot remove the folder", path_);
  }
  return {};
}

}  // namespace overtake
