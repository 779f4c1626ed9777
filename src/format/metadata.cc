// Metadata's getters: one conversion for each target type, which must be exact.
#include <fmt/core.h>

#include <cmath>

#include "format/checkpoint.h"
#include "format/message.h"

namespace overtake {
namespace {

const char* kind_of(const MetaValue& value) {
  static constexpr const char* kNames[] = {"a boolean",
                                           "an integer",
                                           "an integer",
                                           "a number",
                                           "a string",
                                           "an array of booleans",
                                           "an array of integers",
                                           "an array of integers",
                                           "an array of numbers",
                                           "an array of strings"};
  static_assert(std::size(kNames) == std::variant_size_v<MetaValue>);
  return kNames[value.index()];
}

// A number as T (int64_t or double) if T holds exactly its value.
template <typename T, typename From>
std::optional<T> exact(From value) {
  if constexpr (std::is_same_v<T, From>) {
    return value;
  } else if constexpr (std::is_same_v<From, bool>) {
    return std::nullopt;
  } else if constexpr (std::is_same_v<From, double>) {
    if (!(value >= -0x1p63 && value < 0x1p63) || value != std::floor(value)) return std::nullopt;
    return static_cast<T>(value);
  } else if constexpr (std::is_same_v<T, double>) {
    // Up to 2^53 every integer is a double.
    if (value > From{1} << 53) return std::nullopt;
    if constexpr (std::is_signed_v<From>) {
      if (value < -(From{1} << 53)) return std::nullopt;
    }
    return static_cast<double>(value);
  } else {
    if (!std::in_range<T>(value)) return std::nullopt;
    return static_cast<T>(value);
  }
}

template <typename T>
std::optional<T> to_number(const MetaValue& value) {
  return std::visit(
      [](const auto& held) -> std::optional<T> {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_arithmetic_v<Held>) {
          return exact<T, Held>(held);
        } else {
          return std::nullopt;
        }
      },
      value);
}

template <typename T>
std::optional<std::vector<T>> to_numbers(const MetaValue& value) {
  return std::visit(
      [&](const auto& held) -> std::optional<std::vector<T>> {
        using Held = std::decay_t<decltype(held)>;
        std::vector<T> out;
        if constexpr (std::is_arithmetic_v<Held>) {
          const std::optional<T> one = to_number<T>(value);
          if (!one) return std::nullopt;
          out.push_back(*one);
        } else if constexpr (!std::is_same_v<Held, std::string>) {
          if constexpr (std::is_arithmetic_v<typename Held::value_type>) {
            out.reserve(held.size());
            for (const typename Held::value_type element : held) {
              const std::optional<T> one = exact<T, typename Held::value_type>(element);
              if (!one) return std::nullopt;
              out.push_back(*one);
            }
          } else if (!held.empty()) {
            return std::nullopt;
          }
        } else {
          return std::nullopt;
        }
        return out;
      },
      value);
}

Error wrong_type(std::string_view key, std::string_view expected, const MetaValue& value,
                 const std::string& source) {
  return damaged(
      fmt::format("key {}: expected {}, file has {}", escaped(key), expected, kind_of(value)),
      source);
}

template <typename T>
Result<T> required(Result<std::optional<T>> found, std::string_view key,
                   const std::string& source) {
  std::optional<T> value = TRY(std::move(found));
  if (!value) return damaged(fmt::format("key {} is missing", escaped(key)), source);
  return std::move(*value);
}

}  // namespace

void Metadata::set(std::string key, MetaValue value) {
  values_.insert_or_assign(std::move(key), std::move(value));
}

Result<std::optional<bool>> Metadata::find_bool(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return std::optional<bool>();
  const bool* value = std::get_if<bool>(&at->second);
  if (!value) return wrong_type(key, "true or false", at->second, source_);
  return std::optional<bool>(*value);
}

Result<std::optional<int64_t>> Metadata::find_int(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return std::optional<int64_t>();
  const std::optional<int64_t> value = to_number<int64_t>(at->second);
  if (!value) return wrong_type(key, "a 64-bit integer", at->second, source_);
  return value;
}

Result<std::optional<double>> Metadata::find_double(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return std::optional<double>();
  const std::optional<double> value = to_number<double>(at->second);
  if (!value) return wrong_type(key, "a number", at->second, source_);
  return value;
}

Result<std::optional<std::string>> Metadata::find_string(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return std::optional<std::string>();
  const std::string* value = std::get_if<std::string>(&at->second);
  if (!value) return wrong_type(key, "a string", at->second, source_);
  return std::optional<std::string>(*value);
}

Result<const std::vector<std::string>*> Metadata::find_strings(std::string_view key) const {
  static const std::vector<std::string> kEmpty;
  const auto at = values_.find(key);
  if (at == values_.end()) return static_cast<const std::vector<std::string>*>(nullptr);
  if (const auto* value = std::get_if<std::vector<std::string>>(&at->second)) return value;
  const auto numbers = to_numbers<double>(at->second);
  if (numbers && numbers->empty()) return &kEmpty;
  return wrong_type(key, "an array of strings", at->second, source_);
}

Result<std::optional<std::vector<int64_t>>> Metadata::find_ints(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return std::optional<std::vector<int64_t>>();
  std::optional<std::vector<int64_t>> value = to_numbers<int64_t>(at->second);
  if (!value) return wrong_type(key, "an array of 64-bit integers", at->second, source_);
  return value;
}

Result<std::optional<std::vector<double>>> Metadata::find_doubles(std::string_view key) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return std::optional<std::vector<double>>();
  std::optional<std::vector<double>> value = to_numbers<double>(at->second);
  if (!value) return wrong_type(key, "an array of numbers", at->second, source_);
  return value;
}

Result<int64_t> Metadata::get_int(std::string_view key) const {
  return required(find_int(key), key, source_);
}

Result<double> Metadata::get_double(std::string_view key) const {
  return required(find_double(key), key, source_);
}

Result<std::string> Metadata::get_string(std::string_view key) const {
  return required(find_string(key), key, source_);
}

}  // namespace overtake
