#include "wire/fields.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace overtake::wire {

void add_missing(const Json& from, Json* into) {
  std::set<std::string> there;
  for (const auto& [key, value] : into->items()) there.insert(key);
  auto& members = into->get_ref<Json::object_t&>();
  for (const auto& [key, value] : from.items()) {
    if (there.insert(key).second) members.emplace_back(key, value);
  }
}

ExtraFields with_member(ExtraFields extra, std::string_view name, std::string_view value) {
  if (extra.empty()) {
    extra = "{";
  } else {
    extra.back() = ',';  // instead of its "}"
  }
  return extra.append("\"").append(name).append("\":").append(value).append("}");
}

const Json* Fields::find(std::string_view name) const {
  const auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

void Fields::fail(CallError error) {
  if (!error_) error_ = std::move(error);
}

void Fields::invalid(std::string_view name, std::string message) {
  fail(invalid_field(param(name), param(name) + ": " + std::move(message)));
}

void Fields::unsupported(std::string_view name, std::string message) {
  fail(unsupported_field(param(name), param(name) + ": " + std::move(message)));
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  invalid(name, "expected true or false");
  return std::nullopt;
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t min, int64_t max) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number_integer()) {
    invalid(name, "expected an integer");
    return std::nullopt;
  }
  // Above 2^63 - 1 the library holds an unsigned number.
  const bool too_large =
      value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t number = too_large ? INT64_MAX : value->get<int64_t>();
  if (!too_large && number >= min && number <= max) return number;
  invalid(name, fmt::format("expected an integer from {} to {}", min, max));
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name, double min, double max) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_number()) {
    const double number = value->get<double>();
    if (number >= min && number <= max) return number;
  }
  invalid(name, fmt::format("expected a number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<std::string> Fields::string(std::string_view name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  invalid(name, "expected a string");
  return std::nullopt;
}

const Json* Fields::object(std::string_view name) {
  const Json* value = find(name);
  if (value && !value->is_object()) invalid(name, "expected an object");
  return value && value->is_object() ? value : nullptr;
}

const Json* Fields::array(std::string_view name) {
  const Json* value = find(name);
  if (value && !value->is_array()) invalid(name, "expected an array");
  return value && value->is_array() ? value : nullptr;
}

std::string Fields::extra(std::span<const std::string_view> known) const {
  Json rest = Json::object();
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    rest.get_ref<Json::object_t&>().emplace_back(key, value);  // no key comes twice
  }
  return rest.empty() ? std::string() : dump_json(rest);
}

}  // namespace overtake::wire
