#include "wire/gemini/schema.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>

namespace overtake::gemini {
namespace {

Json lower_type(const Json& type) {
  std::string out = type.get<std::string>();
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_count(const std::string& key) {
  constexpr const char* kCounts[] = {"minItems",  "maxItems",      "minLength",
                                     "maxLength", "minProperties", "maxProperties"};
  return std::find(std::begin(kCounts), std::end(kCounts), key) != std::end(kCounts);
}

Json as_number(const Json& value) {
  if (!value.is_string()) return value;
  const auto& text = value.get_ref<const std::string&>();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? Json(number) : value;
}

Json each(const Json& values) {
  Json out = values;
  for (Json& value : out) value = to_json_schema(value);
  return out;
}

std::string documented(const std::string& key) {
  if (key == "any_of") return "anyOf";
  if (key == "property_ordering") return "propertyOrdering";
  for (const auto& [snake, camel] : {std::pair{"min_items", "minItems"},
                                     {"max_items", "maxItems"},
                                     {"min_length", "minLength"},
                                     {"max_length", "maxLength"},
                                     {"min_properties", "minProperties"},
                                     {"max_properties", "maxProperties"}}) {
    if (key == snake) return camel;
  }
  return key;
}

}  // namespace

Json to_json_schema(const Json& schema) {
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  bool nullable = false;
  for (const auto& [name, value] : schema.items()) {
    const std::string key = documented(name);
    if (key == "type" && value.is_string()) {
      out[key] = lower_type(value);
    } else if (key == "nullable" && value.is_boolean()) {
      nullable = value.get<bool>();
    } else if (key == "properties" || key == "anyOf" || key == "$defs") {
      out[key] = value.is_structured() ? each(value) : value;
    } else if (key == "items" || key == "additionalProperties") {
      out[key] = to_json_schema(value);
    } else {
      out[key] = is_count(key) ? as_number(value) : value;
    }
  }
  if (nullable && out.contains("type")) out["type"] = Json::array({out["type"], "null"});
  return out;
}

}  // namespace overtake::gemini
