// GGUF's key-value pairs: numbers of ten types, booleans, strings, and arrays of these.
#include <fmt/core.h>

#include "format/gguf_cursor.h"
#include "format/message.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxKeyBytes = 65535;            // the specification's
constexpr uint64_t kMaxArrayElements = 1 << 24;     // of all arrays together
constexpr uint64_t kMaxStringBytes = 256ull << 20;  // of all strings together

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

class MetadataReader {
 public:
  explicit MetadataReader(GgufCursor* cursor)
      : cursor_(*cursor), out_(std::string(cursor->file())) {}

  Result<Metadata> read(uint64_t n_keys) {
    for (uint64_t i = 0; i < n_keys; ++i) TRY(read_pair());
    return std::move(out_);
  }

 private:
  Status read_pair();
  Result<MetaValue> read_value(ValueType type);
  Result<MetaValue> read_array();
  Result<MetaValue> read_strings(uint64_t count);
  Result<MetaValue> read_bools(uint64_t count);
  template <typename T, typename Wide>
  Result<MetaValue> read_numbers(uint64_t count);

  Result<bool> read_bool();
  Result<std::string> read_text(std::string_view what);
  Error damage(std::string_view what) const {
    return cursor_.damage(fmt::format("metadata key {} {}", escaped(key_), what));
  }

  GgufCursor& cursor_;
  Metadata out_;
  std::string_view key_;  // of the pair at hand
  uint64_t array_elements_left_ = kMaxArrayElements;
  uint64_t string_bytes_left_ = kMaxStringBytes;
};

// Calls visit<T, Wide>() with a number's type in the file and in MetaValue; nullopt for no number.
template <typename Visit>
std::optional<Result<MetaValue>> visit_number(ValueType type, Visit visit) {
  switch (type) {
    case ValueType::kU8:
      return visit.template operator()<uint8_t, uint64_t>();
    case ValueType::kI8:
      return visit.template operator()<int8_t, int64_t>();
    case ValueType::kU16:
      return visit.template operator()<uint16_t, uint64_t>();
    case ValueType::kI16:
      return visit.template operator()<int16_t, int64_t>();
    case ValueType::kU32:
      return visit.template operator()<uint32_t, uint64_t>();
    case ValueType::kI32:
      return visit.template operator()<int32_t, int64_t>();
    case ValueType::kU64:
      return visit.template operator()<uint64_t, uint64_t>();
    case ValueType::kI64:
      return visit.template operator()<int64_t, int64_t>();
    case ValueType::kF32:
      return visit.template operator()<float, double>();
    case ValueType::kF64:
      return visit.template operator()<double, double>();
    default:
      return std::nullopt;
  }
}

Status MetadataReader::read_pair() {
  key_ = TRY(cursor_.read_string("a metadata key", kMaxKeyBytes));
  if (key_.empty()) return cursor_.damage("a metadata key is empty");
  if (out_.has(key_)) return damage("stands twice");
  const auto type = static_cast<ValueType>(TRY(cursor_.read<uint32_t>(key_)));
  out_.set(std::string(key_), TRY(read_value(type)));
  return {};
}

Result<MetaValue> MetadataReader::read_value(ValueType type) {
  auto number = visit_number(type, [&]<typename T, typename Wide>() -> Result<MetaValue> {
    return MetaValue(static_cast<Wide>(TRY(cursor_.read<T>(key_))));
  });
  if (number) return std::move(*number);
  if (type == ValueType::kBool) return MetaValue(TRY(read_bool()));
  if (type == ValueType::kString) return MetaValue(TRY(read_text(key_)));
  if (type == ValueType::kArray) return read_array();
  return damage(fmt::format("has unknown type {}", static_cast<uint32_t>(type)));
}

Result<MetaValue> MetadataReader::read_array() {
  const auto type = static_cast<ValueType>(TRY(cursor_.read<uint32_t>(key_)));
  const uint64_t count = TRY(cursor_.read<uint64_t>(key_));
  // One byte is the least that an element takes.
  if (count > array_elements_left_ || count > cursor_.left()) {
    return damage(fmt::format("has {} elements, {} bytes are left and {} elements allowed", count,
                              cursor_.left(), array_elements_left_));
  }
  array_elements_left_ -= count;
  auto numbers = visit_number(type, [&]<typename T, typename Wide>() -> Result<MetaValue> {
    return read_numbers<T, Wide>(count);
  });
  if (numbers) return std::move(*numbers);
  if (type == ValueType::kBool) return read_bools(count);
  if (type == ValueType::kString) return read_strings(count);
  if (type == ValueType::kArray) {
    // In the format, but nothing writes one and ggml's own reader refuses it too.
    return Error{ErrorCode::kUnsupported,
                 fmt::format("metadata key {} is an array of arrays; {}; remove the key",
                             escaped(key_), cursor_.file())};
  }
  return damage(fmt::format("has elements of unknown type {}", static_cast<uint32_t>(type)));
}

template <typename T, typename Wide>
Result<MetaValue> MetadataReader::read_numbers(uint64_t count) {
  if (count > cursor_.left() / sizeof(T)) {
    return damage(fmt::format("has {} elements, {} bytes are left", count, cursor_.left()));
  }
  std::vector<Wide> values(count);
  for (Wide& value : values) value = static_cast<Wide>(TRY(cursor_.read<T>(key_)));
  return MetaValue(std::move(values));
}

Result<MetaValue> MetadataReader::read_strings(uint64_t count) {
  if (count > cursor_.left() / sizeof(uint64_t)) {
    return damage(fmt::format("has {} strings, {} bytes are left", count, cursor_.left()));
  }
  std::vector<std::string> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) values.push_back(TRY(read_text("a string of an array")));
  return MetaValue(std::move(values));
}

Result<MetaValue> MetadataReader::read_bools(uint64_t count) {
  std::vector<bool> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) values.push_back(TRY(read_bool()));
  return MetaValue(std::move(values));
}

Result<bool> MetadataReader::read_bool() {
  const uint8_t value = TRY(cursor_.read<uint8_t>(key_));
  if (value > 1) return damage(fmt::format("is a boolean of value {}", value));
  return value == 1;
}

Result<std::string> MetadataReader::read_text(std::string_view what) {
  const std::string_view text = TRY(cursor_.read_string(what, string_bytes_left_));
  string_bytes_left_ -= text.size();
  return std::string(text);
}

}  // namespace

Result<Metadata> read_gguf_metadata(GgufCursor* cursor, uint64_t n_keys) {
  return MetadataReader(cursor).read(n_keys);
}

}  // namespace overtake
