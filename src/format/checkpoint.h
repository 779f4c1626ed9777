// Checkpoint: a path becomes named tensors and metadata, whatever the format on disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace overtake {

using MetaValue = std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<uint64_t>, std::vector<double>,
                               std::vector<std::string>>;

// Typed access to key-value metadata. Keys of a config.json are flattened with dots
// ("rope_scaling.factor"); a JSON null is an absent key. The getters return nullopt for an absent
// key and kDamaged for one of another type. Numbers convert where the value is exact; a single
// number is also an array of one; an empty array is one of any type.
class Metadata {
 public:
  Metadata() = default;
  // `source` is the file that messages name.
  explicit Metadata(std::string source) : source_(std::move(source)) {}

  const std::map<std::string, MetaValue, std::less<>>& all() const { return values_; }
  void set(std::string key, MetaValue value);
  bool has(std::string_view key) const { return values_.find(key) != values_.end(); }

  Result<std::optional<bool>> find_bool(std::string_view key) const;
  Result<std::optional<int64_t>> find_int(std::string_view key) const;
  Result<std::optional<double>> find_double(std::string_view key) const;
  Result<std::optional<std::string>> find_string(std::string_view key) const;
  // Borrowed arrays; null if absent.
  Result<const std::vector<std::string>*> find_strings(std::string_view key) const;
  Result<std::optional<std::vector<int64_t>>> find_ints(std::string_view key) const;
  Result<std::optional<std::vector<double>>> find_doubles(std::string_view key) const;

  // As find_*, but an absent key is an error that names it.
  Result<int64_t> get_int(std::string_view key) const;
  Result<double> get_double(std::string_view key) const;
  Result<std::string> get_string(std::string_view key) const;

 private:
  std::string source_;
  std::map<std::string, MetaValue, std::less<>> values_;
};

enum class CheckpointFormat { kGguf, kHuggingFace };

// Immutable after opening; any thread may read. Tensors' bytes are mapped, not read.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  const std::string& path() const { return path_; }
  // What tells its files, as they were opened, from all others that may come to stand there: a line
  // with path, inode, size and times of each.
  const std::string& identity() const { return identity_; }
  CheckpointFormat format() const { return format_; }
  const Metadata& metadata() const { return metadata_; }
  // "llama", "falcon": general.architecture or model_type.
  const std::string& model_type() const { return model_type_; }

  std::span<const StoredTensor> tensors() const { return tensors_; }
  const StoredTensor* find(std::string_view name) const;  // null if absent
  // kDamaged with name, expected and actual shape if absent or shaped otherwise; kUnsupported if it
  // is stored as a type that is not a QuantType (integers, booleans).
  Result<const StoredTensor*> get(std::string_view name, std::span<const int64_t> shape) const;
  uint64_t file_bytes() const { return file_bytes_; }

  // Tells the system that the stored bytes of a tensor will not be read again soon (it was packed).
  virtual void drop_pages(const StoredTensor& tensor) const = 0;
  // The same of all that the files hold, whatever has been read of them.
  virtual void drop_all_pages() const = 0;
  // Frees the metadata, vocabulary and all, once everybody has read theirs: it is empty from then
  // on. Not while another thread reads it.
  void release_metadata() { metadata_ = Metadata(path_); }

 protected:
  std::string path_;
  std::string identity_;
  CheckpointFormat format_ = CheckpointFormat::kGguf;
  Metadata metadata_;
  std::string model_type_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;              // name -> place in tensors_
  std::map<std::string, std::string, std::less<>> other_dtypes_;  // see ParsedTensors
  uint64_t file_bytes_ = 0;
};

// A GGUF file (v2, v3), or a folder with config.json and *.safetensors as Hugging Face has it.
// Everything that the file claims is verified against its size before anything is built on it.
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::string& path);

// The readers behind it, on bytes in memory, for tests and fuzzing: the metadata and the tensor
// table; tensors' data point into `bytes`. `name` is the file that messages name.
struct ParsedTensors {
  Metadata metadata;
  std::vector<StoredTensor> tensors;
  // Tensors of types that no weight has (a position_ids buffer of I64): name -> dtype. They are
  // left out above, so that an unused one does no harm.
  std::map<std::string, std::string, std::less<>> other_dtypes;
};
Result<ParsedTensors> parse_gguf(std::span<const std::byte> bytes, std::string_view name);
Result<ParsedTensors> parse_safetensors(std::span<const std::byte> bytes, std::string_view name);

}  // namespace overtake
