#include "format/checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <mutex>

#include "base/file.h"
#include "format/hf_folder.h"
#include "format/message.h"

namespace overtake {
namespace {

// A checkpoint over the files that its tensors' bytes lie in.
class MappedCheckpoint : public Checkpoint, private TensorSource {
 public:
  MappedCheckpoint(const std::string& path, CheckpointFormat format, std::vector<MappedFile> files,
                   ParsedTensors parsed)
      : files_(std::move(files)), ahead_(files_.size()) {
    path_ = path;
    format_ = format;
    metadata_ = std::move(parsed.metadata);
    tensors_ = std::move(parsed.tensors);
    other_dtypes_ = std::move(parsed.other_dtypes);
    for (size_t i = 0; i < tensors_.size(); ++i) {
      index_.emplace(tensors_[i].name, i);
      tensors_[i].source = this;
    }
    for (const MappedFile& file : files_) {
      file_bytes_ += file.bytes().size();
      identity_ += line_of(file);
    }
  }

  // Other rooms and messages repeat it, so it must look like one.
  Status set_model_type(std::string_view key) {
    const std::string name = TRY(metadata_.get_string(key));
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == '.';
    });
    if (name.empty() || name.size() > 64 || !plain) {
      return damaged(fmt::format("{} is \"{}\", no name of an architecture", key, escaped(name)),
                     path_);
    }
    model_type_ = name;
    return {};
  }

  void drop_pages(const StoredTensor& tensor) const override { was_read(tensor.data); }

  void drop_all_pages() const override {
    for (const MappedFile& file : files_) file.drop_pages(file.bytes());
  }

 private:
  static std::string line_of(const MappedFile& file) {
    std::error_code failed;
    const auto path = std::filesystem::canonical(file.path(), failed);
    const FileIdentity& is = file.identity();
    return fmt::format("{} {} {} {} {}\n", failed ? file.path() : path.string(), is.inode, is.size,
                       is.modified_ns, is.changed_ns);
  }

  // What of a file is in memory or on its way: bytes [begin, end).
  struct Ahead {
    size_t begin = 0;
    size_t end = 0;
  };

  // Null for bytes of no file.
  const MappedFile* file_of(std::span<const std::byte> bytes) const {
    for (const MappedFile& file : files_) {
      const std::span<const std::byte> all = file.bytes();
      if (std::less_equal<>()(all.data(), bytes.data()) &&
          std::less<>()(bytes.data(), all.data() + all.size())) {
        return &file;
      }
    }
    return nullptr;
  }

  void was_read(std::span<const std::byte> bytes) const override {
    if (const MappedFile* file = file_of(bytes)) file->drop_pages(bytes);
  }

  // Keeps the disk busy while what has come is worked on. Tensors are mostly read in the order of
  // their file, so what lies behind these bytes comes with them.
  void will_read(std::span<const std::byte> bytes) const override {
    constexpr size_t kWindow = size_t{64} << 20;
    const MappedFile* file = file_of(bytes);
    if (!file) return;
    const std::lock_guard lock(mutex_);
    Ahead& ahead = ahead_[static_cast<size_t>(file - files_.data())];
    const auto begin = static_cast<size_t>(bytes.data() - file->bytes().data());
    const size_t end = begin + bytes.size();
    if (begin < ahead.begin || begin > ahead.end) ahead = {begin, begin};
    const size_t wanted = std::min(file->bytes().size(), end + kWindow);
    const bool far_enough = ahead.end >= wanted || ahead.end >= end + kWindow / 2;
    if (far_enough) return;
    file->fetch_pages(file->bytes().subspan(ahead.end, wanted - ahead.end));
    ahead.end = wanted;
  }

  std::vector<MappedFile> files_;
  mutable std::mutex mutex_;
  mutable std::vector<Ahead> ahead_;  // of each file; under mutex_
};

Result<std::unique_ptr<MappedCheckpoint>> open_gguf(const std::string& path) {
  std::vector<MappedFile> files;
  files.push_back(TRY(MappedFile::open(path)));
  ParsedTensors parsed = TRY(parse_gguf(files[0].bytes(), path));
  const std::optional<int64_t> n_parts = TRY(parsed.metadata.find_int("split.count"));
  if (n_parts.value_or(1) > 1) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("one of {} parts of a split model; {}; merge the parts first "
                             "(llama-gguf-split --merge)",
                             *n_parts, path)};
  }
  auto checkpoint = std::make_unique<MappedCheckpoint>(path, CheckpointFormat::kGguf,
                                                       std::move(files), std::move(parsed));
  TRY(checkpoint->set_model_type("general.architecture"));
  return checkpoint;
}

Result<std::unique_ptr<MappedCheckpoint>> open_folder(const std::string& path) {
  HfFolder folder = TRY(read_hf_folder(path));
  auto checkpoint = std::make_unique<MappedCheckpoint>(
      path, CheckpointFormat::kHuggingFace, std::move(folder.files), std::move(folder.parsed));
  TRY(checkpoint->set_model_type("model_type"));
  return checkpoint;
}

}  // namespace

const StoredTensor* Checkpoint::find(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &tensors_[at->second];
}

Result<const StoredTensor*> Checkpoint::get(std::string_view name,
                                            std::span<const int64_t> shape) const {
  const auto other = other_dtypes_.find(name);
  if (other != other_dtypes_.end()) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("tensor {} has dtype {}; {}; convert it to F32, F16 or BF16", name,
                             escaped(other->second), path_)};
  }
  const StoredTensor* tensor = find(name);
  if (tensor && std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end()))
    return tensor;
  return Error{
      ErrorCode::kDamaged,
      fmt::format("tensor {}: expected {}, file has {}; {}; the file is damaged or not a "
                  "model of type {}",
                  name, shape_text(shape), tensor ? shape_text(tensor->shape) : "no such tensor",
                  path_, model_type_)};
}

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return std::unique_ptr<Checkpoint>(TRY(open_folder(path)));
  }
  if (path.ends_with(".safetensors") || path.ends_with(".json")) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("a file of a Hugging Face model; {}; give the folder that holds it and "
                    "config.json",
                    path)};
  }
  return std::unique_ptr<Checkpoint>(TRY(open_gguf(path)));
}

}  // namespace overtake
