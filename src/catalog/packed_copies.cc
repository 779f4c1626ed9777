#include "catalog/packed_copies.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "catalog/digest.h"
#include "catalog/store.h"
#include "tensor/cpu/packed_header.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".packed";

fs::path copies_folder() { return fs::path(overtake_home()) / "packed"; }

// The identity of the files stands on its own lines, after the first.
std::string key_of(const Checkpoint& checkpoint, Isa isa) {
  return fmt::format("version {}, {} lanes\n{}", kPackingVersion, packed_lanes(isa),
                     checkpoint.identity());
}

bool has_identity(const std::string& key, const Checkpoint& checkpoint) {
  const size_t line = key.find('\n');
  return line != std::string::npos && key.substr(line + 1) == checkpoint.identity();
}

std::string path_of(const std::string& key) {
  return (copies_folder() / (sha256_of(key).substr(0, 32) + kEnding)).string();
}

std::string canonical(const std::string& path) {
  std::error_code failed;
  const fs::path out = fs::weakly_canonical(path, failed);
  return failed ? path : out.string();
}

std::vector<fs::path> files_in_folder() {
  std::error_code error;
  std::vector<fs::path> out;
  for (fs::directory_iterator it(copies_folder(), error), end; !error && it != end;
       it.increment(error)) {
    out.push_back(it->path());
  }
  std::ranges::sort(out);
  return out;
}

void remove_file(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

// Left by a process that ended while it wrote; one that still writes has changed it lately.
bool is_left_over(const fs::path& path) {
  if (path.extension() != ".tmp") return false;
  std::error_code error;
  const auto changed = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - changed > std::chrono::hours(1);
}

bool is_useless(const fs::path& path, const Checkpoint& checkpoint) {
  const Result<PackedFileInfo> info = read_packed_info(path.string());
  if (!info.ok()) {
    return info.error().code == ErrorCode::kDamaged || info.error().code == ErrorCode::kUnsupported;
  }
  std::error_code error;
  if (!fs::exists(info->source, error) && !error) return true;
  return info->source == canonical(checkpoint.path()) && !has_identity(info->key, checkpoint);
}

}  // namespace

PackedCopy open_packed_copy(const Checkpoint& checkpoint, Isa isa, ThreadPool& pool) {
  const std::string key = key_of(checkpoint, isa);
  const std::string path = path_of(key);
  Result<PackedCopy> copy = PackedCopy::open(path, key, pool);
  if (copy.ok()) return std::move(copy).value();
  if (copy.error().code == ErrorCode::kNotFound) return {};
  log(LogLevel::kWarning, fmt::format("not used: {}; {}", path, copy.error().message));
  if (copy.error().code != ErrorCode::kIo && copy.error().code != ErrorCode::kExhausted) {
    remove_file(path);
  }
  return {};
}

Status keep_packed_copy(const Checkpoint& checkpoint, Isa isa, const PackedCopy& copy) {
  const fs::path folder = copies_folder();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return Error{ErrorCode::kIo, fmt::format("cannot create: {}; {}; check its permissions",
                                             error.message(), folder.string())};
  }
  remove_useless_packed_copies(checkpoint);
  const fs::space_info space = fs::space(folder, error);
  const uint64_t needed = copy.file_bytes();
  if (!error && (space.available < needed || space.available - needed < kFreeDiskBytes)) {
    return Error{ErrorCode::kExhausted,
                 fmt::format("a packed copy takes {} MB, and the disk has {} MB free, of which it "
                             "leaves {}; {}; make room, or start without --keep-packed",
                             needed / 1'000'000, space.available / 1'000'000,
                             kFreeDiskBytes / 1'000'000, folder.string())};
  }
  const std::string key = key_of(checkpoint, isa);
  return copy.write(path_of(key), canonical(checkpoint.path()), key);
}

std::vector<PackedCopyFile> packed_copies_of(const std::string& path) {
  const std::string wanted = canonical(path);
  std::vector<PackedCopyFile> out;
  for (const fs::path& file : files_in_folder()) {
    if (file.extension() != kEnding) continue;
    Result<PackedFileInfo> info = read_packed_info(file.string());
    if (!info.ok()) continue;
    if (info->source == wanted || info->source.starts_with(wanted + "/")) {
      out.push_back({file.string(), std::move(info->source), info->file_bytes});
    }
  }
  return out;
}

void remove_packed_copies(const std::vector<PackedCopyFile>& copies) {
  for (const PackedCopyFile& copy : copies) remove_file(copy.path);
}

void remove_useless_packed_copies(const Checkpoint& checkpoint) {
  for (const fs::path& file : files_in_folder()) {
    const bool useless =
        file.extension() == kEnding ? is_useless(file, checkpoint) : is_left_over(file);
    if (useless) remove_file(file);
  }
}

}  // namespace overtake
