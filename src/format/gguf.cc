// GGUF, versions 2 and 3 (ggml's docs/gguf.md): header, metadata, tensor table, aligned data.
// Nothing is reserved or computed from a number of the file before it was held against the bytes
// that are left.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

#include "base/checked.h"
#include "format/checkpoint.h"
#include "format/message.h"

namespace overtake {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little endian");

// Bounds that no real file comes near, so that a small file cannot ask for much memory or time.
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxArrayElements = 1 << 24;     // of all arrays together
constexpr uint64_t kMaxStringBytes = 256ull << 20;  // of all strings together
constexpr uint64_t kMaxKeyBytes = 65535;            // the specification's
constexpr uint64_t kMaxNameBytes = 256;
constexpr uint32_t kMaxDims = 4;
constexpr uint32_t kMaxAlignment = 1 << 21;

enum class ValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// A row of the tensor table, before its bytes are placed.
struct TableRow {
  StoredTensor tensor;
  uint64_t offset = 0;  // from the start of the data
  uint64_t size = 0;
};

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, std::string_view file)
      : bytes_(bytes), file_(file), out_{Metadata(std::string(file)), {}, {}} {}

  Result<ParsedTensors> parse() {
    TRY(read_header());
    TRY(read_metadata());
    TRY(read_table());
    TRY(place_tensors());
    return std::move(out_);
  }

 private:
  Error damage(std::string_view what) const {
    return damaged(fmt::format("{} (byte {})", what, position_), file_);
  }

  uint64_t left() const { return bytes_.size() - position_; }

  template <typename T>
  Result<T> read(std::string_view what) {
    if (left() < sizeof(T)) return damage(fmt::format("the file ends within {}", escaped(what)));
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }

  Result<std::string_view> read_string(std::string_view what, uint64_t max_size) {
    const uint64_t size = TRY(read<uint64_t>(what));
    if (size > left()) {
      return damage(fmt::format("{} has {} bytes, {} are left", escaped(what), size, left()));
    }
    if (size > max_size) {
      return damage(fmt::format("{} has {} bytes, more than {}", escaped(what), size, max_size));
    }
    const char* text = reinterpret_cast<const char*>(bytes_.data() + position_);
    position_ += size;
    return std::string_view(text, size);
  }

  Status read_header();
  Status read_metadata();
  Result<MetaValue> read_value(ValueType type, std::string_view key);
  Result<MetaValue> read_array(std::string_view key);
  Result<MetaValue> read_strings(uint64_t count, std::string_view key);
  template <typename T, typename Wide>
  Result<MetaValue> read_numbers(uint64_t count, std::string_view key);
  template <typename T, typename Wide>
  Result<MetaValue> read_number(std::string_view key) {
    return MetaValue(static_cast<Wide>(TRY(read<T>(key))));
  }
  Result<bool> read_bool(std::string_view key);
  Result<MetaValue> read_text(std::string_view key) {
    const std::string_view text = TRY(read_string(key, string_bytes_left_));
    string_bytes_left_ -= text.size();
    return MetaValue(std::string(text));
  }
  Status read_table();
  Result<TableRow> read_row();
  Status read_shape(TableRow* row);
  Status read_type(TableRow* row);
  Status place_tensors();
  Result<uint64_t> read_alignment() const;

  std::span<const std::byte> bytes_;
  std::string_view file_;
  uint64_t position_ = 0;
  uint64_t n_tensors_ = 0;
  uint64_t n_keys_ = 0;
  uint64_t array_elements_left_ = kMaxArrayElements;
  uint64_t string_bytes_left_ = kMaxStringBytes;
  std::vector<TableRow> table_;
  ParsedTensors out_;
};

Status Parser::read_header() {
  if (is_lfs_pointer(bytes_)) return lfs_pointer(file_);
  const auto magic = TRY(read<std::array<char, 4>>("the header"));
  if (std::string_view(magic.data(), 4) != "GGUF") {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("not a GGUF file: it starts with \"{}\"; {}; give a .gguf file, or a "
                             "folder with config.json and *.safetensors",
                             escaped({magic.data(), 4}), file_)};
  }
  const uint32_t version = TRY(read<uint32_t>("the header"));
  if (version != 0 && (version & 0xffff) == 0) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a big-endian GGUF file; {}; convert it to little endian", file_)};
  }
  if (version != 2 && version != 3) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("GGUF version {}, this program reads 2 and 3; {}; convert the model "
                             "again with a current converter",
                             version, file_)};
  }
  n_tensors_ = TRY(read<uint64_t>("the header"));
  n_keys_ = TRY(read<uint64_t>("the header"));
  // The least a key takes: length, one byte, type, one byte. The least a tensor takes: length, one
  // byte, number of dimensions, one dimension, type, offset.
  if (n_keys_ > kMaxKeys || n_keys_ > left() / 14) {
    return damage(fmt::format("{} metadata keys cannot be in {} bytes", n_keys_, left()));
  }
  if (n_tensors_ > kMaxTensors || n_tensors_ > left() / 33) {
    return damage(fmt::format("{} tensors cannot be in {} bytes", n_tensors_, left()));
  }
  return {};
}

Status Parser::read_metadata() {
  for (uint64_t i = 0; i < n_keys_; ++i) {
    const std::string_view key = TRY(read_string("a metadata key", kMaxKeyBytes));
    if (key.empty()) return damage("a metadata key is empty");
    if (out_.metadata.has(key)) {
      return damage(fmt::format("metadata key {} stands twice", escaped(key)));
    }
    const auto type = static_cast<ValueType>(TRY(read<uint32_t>(key)));
    out_.metadata.set(std::string(key), TRY(read_value(type, key)));
  }
  return {};
}

Result<bool> Parser::read_bool(std::string_view key) {
  const uint8_t value = TRY(read<uint8_t>(key));
  if (value > 1) return damage(fmt::format("boolean {} has value {}", escaped(key), value));
  return value == 1;
}

Result<MetaValue> Parser::read_value(ValueType type, std::string_view key) {
  switch (type) {
    case ValueType::kU8:
      return read_number<uint8_t, uint64_t>(key);
    case ValueType::kI8:
      return read_number<int8_t, int64_t>(key);
    case ValueType::kU16:
      return read_number<uint16_t, uint64_t>(key);
    case ValueType::kI16:
      return read_number<int16_t, int64_t>(key);
    case ValueType::kU32:
      return read_number<uint32_t, uint64_t>(key);
    case ValueType::kI32:
      return read_number<int32_t, int64_t>(key);
    case ValueType::kU64:
      return read_number<uint64_t, uint64_t>(key);
    case ValueType::kI64:
      return read_number<int64_t, int64_t>(key);
    case ValueType::kF32:
      return read_number<float, double>(key);
    case ValueType::kF64:
      return read_number<double, double>(key);
    case ValueType::kBool:
      return MetaValue(TRY(read_bool(key)));
    case ValueType::kString:
      return read_text(key);
    case ValueType::kArray:
      return read_array(key);
  }
  return damage(fmt::format("metadata key {} has unknown type {}", escaped(key),
                            static_cast<uint32_t>(type)));
}

template <typename T, typename Wide>
Result<MetaValue> Parser::read_numbers(uint64_t count, std::string_view key) {
  if (count > left() / sizeof(T)) {
    return damage(
        fmt::format("array {} has {} elements, {} bytes are left", escaped(key), count, left()));
  }
  std::vector<Wide> values(count);
  for (uint64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes_.data() + position_ + i * sizeof(T), sizeof value);
    values[i] = static_cast<Wide>(value);
  }
  position_ += count * sizeof(T);
  return MetaValue(std::move(values));
}

Result<MetaValue> Parser::read_strings(uint64_t count, std::string_view key) {
  if (count > left() / sizeof(uint64_t)) {
    return damage(
        fmt::format("array {} has {} strings, {} bytes are left", escaped(key), count, left()));
  }
  std::vector<std::string> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string_view text = TRY(read_string("a string of an array", string_bytes_left_));
    string_bytes_left_ -= text.size();
    values.emplace_back(text);
  }
  return MetaValue(std::move(values));
}

Result<MetaValue> Parser::read_array(std::string_view key) {
  const auto type = static_cast<ValueType>(TRY(read<uint32_t>(key)));
  const uint64_t count = TRY(read<uint64_t>(key));
  if (count > array_elements_left_) {
    return damage(fmt::format("array {} has {} elements, more than {} in all", escaped(key), count,
                              kMaxArrayElements));
  }
  array_elements_left_ -= count;
  switch (type) {
    case ValueType::kU8:
      return read_numbers<uint8_t, uint64_t>(count, key);
    case ValueType::kI8:
      return read_numbers<int8_t, int64_t>(count, key);
    case ValueType::kU16:
      return read_numbers<uint16_t, uint64_t>(count, key);
    case ValueType::kI16:
      return read_numbers<int16_t, int64_t>(count, key);
    case ValueType::kU32:
      return read_numbers<uint32_t, uint64_t>(count, key);
    case ValueType::kI32:
      return read_numbers<int32_t, int64_t>(count, key);
    case ValueType::kU64:
      return read_numbers<uint64_t, uint64_t>(count, key);
    case ValueType::kI64:
      return read_numbers<int64_t, int64_t>(count, key);
    case ValueType::kF32:
      return read_numbers<float, double>(count, key);
    case ValueType::kF64:
      return read_numbers<double, double>(count, key);
    case ValueType::kString:
      return read_strings(count, key);
    case ValueType::kBool: {
      std::vector<bool> values;
      for (uint64_t i = 0; i < count; ++i) values.push_back(TRY(read_bool(key)));
      return MetaValue(std::move(values));
    }
    case ValueType::kArray:
      // In the format, but nothing writes one and ggml's own reader refuses it too.
      return Error{ErrorCode::kUnsupported,
                   fmt::format("array of arrays in metadata key {}; {}; remove the key",
                               escaped(key), file_)};
  }
  return damage(fmt::format("array {} has elements of unknown type {}", escaped(key),
                            static_cast<uint32_t>(type)));
}

Status Parser::read_table() {
  table_.reserve(n_tensors_);
  std::set<std::string_view> names;
  for (uint64_t i = 0; i < n_tensors_; ++i) {
    table_.push_back(TRY(read_row()));
    if (!names.insert(table_.back().tensor.name).second) {
      return damage(fmt::format("tensor {} stands twice", escaped(table_.back().tensor.name)));
    }
  }
  return {};
}

Result<TableRow> Parser::read_row() {
  TableRow row;
  row.tensor.name = TRY(read_string("a tensor's name", kMaxNameBytes));
  if (row.tensor.name.empty()) return damage("a tensor's name is empty");
  TRY(read_shape(&row));
  TRY(read_type(&row));
  row.offset = TRY(read<uint64_t>("the tensor table"));
  return row;
}

// Sizes in the file stand innermost first.
Status Parser::read_shape(TableRow* row) {
  const uint32_t n_dims = TRY(read<uint32_t>("the tensor table"));
  if (n_dims < 1 || n_dims > kMaxDims) {
    return damage(fmt::format("tensor {} has {} dimensions", escaped(row->tensor.name), n_dims));
  }
  int64_t n_elements = 1;
  for (uint32_t i = 0; i < n_dims; ++i) {
    const int64_t size = TRY(read<int64_t>("the tensor table"));
    const std::optional<int64_t> product = checked_mul(n_elements, size);
    if (size < 1 || !product) {
      return damage(fmt::format("dimension {} of tensor {} is {}", i, escaped(row->tensor.name),
                                static_cast<uint64_t>(size)));
    }
    n_elements = *product;
    row->tensor.shape.insert(row->tensor.shape.begin(), size);
  }
  return {};
}

// With the shape known, the type gives the size.
Status Parser::read_type(TableRow* row) {
  const uint32_t id = TRY(read<uint32_t>("the tensor table"));
  const StoredTensor& tensor = row->tensor;
  row->tensor.type = find_quant_type(id);
  if (!tensor.type) {
    std::string known;
    for (const QuantType* type : all_quant_types()) known += fmt::format(" {}", type->name);
    return Error{ErrorCode::kUnsupported,
                 fmt::format("tensor {} has type {}, which this program does not read; {}; take a "
                             "file of one of these:{}",
                             escaped(tensor.name), id, file_, known)};
  }
  const int64_t block = tensor.type->block;
  if (tensor.n_cols() % block != 0) {
    return damage(fmt::format("tensor {}: rows of {} elements are no multiple of {}'s {}",
                              escaped(tensor.name), tensor.n_cols(), tensor.type->name, block));
  }
  const uint64_t n_blocks = static_cast<uint64_t>(tensor.n_rows() * (tensor.n_cols() / block));
  const std::optional<uint64_t> size =
      checked_mul(n_blocks, static_cast<uint64_t>(tensor.type->block_bytes));
  if (!size || *size > bytes_.size()) {
    return damage(fmt::format("tensor {} of shape {} is larger than the file", escaped(tensor.name),
                              shape_text(tensor.shape)));
  }
  row->size = *size;
  return {};
}

Result<uint64_t> Parser::read_alignment() const {
  constexpr std::string_view kKey = "general.alignment";
  const auto at = out_.metadata.all().find(kKey);
  if (at == out_.metadata.all().end()) return uint64_t{32};
  const uint64_t* alignment = std::get_if<uint64_t>(&at->second);
  if (!alignment || !std::has_single_bit(*alignment) || *alignment > kMaxAlignment) {
    return damage(fmt::format("{} is not a power of two up to {}", kKey, kMaxAlignment));
  }
  return *alignment;
}

Status Parser::place_tensors() {
  const uint64_t alignment = TRY(read_alignment());
  if (table_.empty()) return {};
  const std::optional<uint64_t> start = checked_align_up(position_, alignment);
  if (!start || *start > bytes_.size()) return damage("the file ends before the tensors' data");
  const std::span<const std::byte> data = bytes_.subspan(*start);

  std::vector<const TableRow*> by_offset;
  for (TableRow& row : table_) {
    const std::string name = escaped(row.tensor.name);
    if (row.offset % alignment != 0) {
      return damage(
          fmt::format("tensor {} is at {}, no multiple of {}", name, row.offset, alignment));
    }
    if (!range_fits(row.offset, row.size, data.size())) {
      return damage(fmt::format("tensor {} takes bytes {} to {} + {} of the data, which has {}",
                                name, row.offset, row.offset, row.size, data.size()));
    }
    row.tensor.data = data.subspan(row.offset, row.size);
    by_offset.push_back(&row);
  }
  std::sort(by_offset.begin(), by_offset.end(),
            [](const TableRow* a, const TableRow* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const TableRow& before = *by_offset[i - 1];
    if (before.offset + before.size > by_offset[i]->offset) {
      return damage(fmt::format("tensors {} and {} overlap", escaped(before.tensor.name),
                                escaped(by_offset[i]->tensor.name)));
    }
  }
  for (TableRow& row : table_) out_.tensors.push_back(std::move(row.tensor));
  return {};
}

}  // namespace

Result<ParsedTensors> parse_gguf(std::span<const std::byte> bytes, std::string_view name) {
  return Parser(bytes, name).parse();
}

}  // namespace overtake
