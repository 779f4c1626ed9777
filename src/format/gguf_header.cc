#include "format/gguf_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace overtake {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little endian");

constexpr uint32_t kVersion = 3;

// The specification's numbers of value types.
enum class ValueType : uint32_t {
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12
};

template <typename T>
void put(const T& value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(const std::string& text, std::string& out) {
  put(static_cast<uint64_t>(text.size()), out);
  out += text;
}

template <typename To, typename From>
void put_as(std::span<const From> values, std::string& out) {
  for (const From value : values) put(static_cast<To>(value), out);
}

// Whether f32 says the number exactly.
bool is_f32(double value) {
  return std::isnan(value) || !std::isfinite(value) ||
         (std::fabs(value) <= std::numeric_limits<float>::max() &&
          static_cast<double>(static_cast<float>(value)) == value);
}

template <typename T, typename Int>
bool all_fit(std::span<const Int> values) {
  return std::ranges::all_of(values, [](Int v) { return std::in_range<T>(v); });
}

// The narrowest of the types that readers expect for these integers.
template <typename Int>
ValueType integer_type(std::span<const Int> values, bool array) {
  // Arrays of integers (token types) are signed by custom, single ones (sizes, ids) are not.
  if (array && all_fit<int32_t>(values)) return ValueType::kI32;
  if (all_fit<uint32_t>(values)) return ValueType::kU32;
  if (all_fit<int32_t>(values)) return ValueType::kI32;
  return all_fit<int64_t>(values) ? ValueType::kI64 : ValueType::kU64;
}

template <typename Int>
void put_integers(std::span<const Int> values, ValueType type, std::string& out) {
  if (type == ValueType::kU32) return put_as<uint32_t>(values, out);
  if (type == ValueType::kI32) return put_as<int32_t>(values, out);
  if (type == ValueType::kI64) return put_as<int64_t>(values, out);
  put_as<uint64_t>(values, out);
}

ValueType real_type(std::span<const double> values) {
  return std::ranges::all_of(values, is_f32) ? ValueType::kF32 : ValueType::kF64;
}

void put_reals(std::span<const double> values, ValueType type, std::string& out) {
  if (type == ValueType::kF32) return put_as<float>(values, out);
  put_as<double>(values, out);
}

void put_array_head(ValueType type, size_t size, std::string& out) {
  put(ValueType::kArray, out);
  put(type, out);
  put(static_cast<uint64_t>(size), out);
}

// Type and value.
struct PutValue {
  std::string& out;

  void operator()(bool value) const {
    put(ValueType::kBool, out);
    put(static_cast<uint8_t>(value), out);
  }
  template <std::integral Int>
  void operator()(Int value) const {
    const ValueType type = integer_type(std::span<const Int>(&value, 1), false);
    put(type, out);
    put_integers(std::span<const Int>(&value, 1), type, out);
  }
  void operator()(double value) const {
    const ValueType type = real_type(std::span(&value, 1));
    put(type, out);
    put_reals(std::span(&value, 1), type, out);
  }
  void operator()(const std::string& value) const {
    put(ValueType::kString, out);
    put_string(value, out);
  }
  void operator()(const std::vector<bool>& values) const {
    put_array_head(ValueType::kBool, values.size(), out);
    for (const bool value : values) put(static_cast<uint8_t>(value), out);
  }
  template <std::integral Int>
  void operator()(const std::vector<Int>& values) const {
    const ValueType type = integer_type(std::span<const Int>(values), true);
    put_array_head(type, values.size(), out);
    put_integers(std::span<const Int>(values), type, out);
  }
  void operator()(const std::vector<double>& values) const {
    const ValueType type = real_type(values);
    put_array_head(type, values.size(), out);
    put_reals(values, type, out);
  }
  void operator()(const std::vector<std::string>& values) const {
    put_array_head(ValueType::kString, values.size(), out);
    for (const std::string& value : values) put_string(value, out);
  }
};

void put_key(const std::string& key, const MetaValue& value, std::string& out) {
  put_string(key, out);
  std::visit(PutValue{out}, value);
}

}  // namespace

std::string gguf_header(const Metadata& metadata, std::span<const GgufTensor> tensors,
                        std::span<const uint64_t> offsets) {
  constexpr std::string_view kFirst = "general.architecture";
  const auto& keys = metadata.all();
  std::string out = "GGUF";
  put(kVersion, out);
  put(static_cast<uint64_t>(tensors.size()), out);
  put(static_cast<uint64_t>(keys.size()), out);
  const auto first = keys.find(kFirst);
  if (first != keys.end()) put_key(first->first, first->second, out);
  for (const auto& [key, value] : keys) {
    if (key != kFirst) put_key(key, value, out);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& tensor = tensors[i];
    put_string(tensor.name, out);
    put(static_cast<uint32_t>(tensor.shape.size()), out);
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) put(*size, out);
    put(tensor.type->gguf_id, out);
    put(offsets[i], out);
  }
  out.resize((out.size() + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment, '\0');
  return out;
}

}  // namespace overtake
