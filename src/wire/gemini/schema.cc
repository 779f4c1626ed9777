#include "wire/gemini/schema.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
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

Json member_json(const std::string& key, const Json& value) {
  if (key == "type" && value.is_string()) return lower_type(value);
  if (key == "properties" || key == "anyOf" || key == "$defs") {
    return value.is_structured() ? each(value) : value;
  }
  if (key == "items" || key == "additionalProperties") return to_json_schema(value);
  return is_count(key) ? as_number(value) : value;
}

}  // namespace

Json to_json_schema(const Json& schema) {
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  bool nullable = false;
  std::set<std::string> seen;  // two names may be documented as one: the first counts
  for (const auto& [name, value] : schema.items()) {
    std::string key = documented(name);
    if (!seen.insert(key).second) continue;
    if (key == "nullable" && value.is_boolean()) {
      nullable = value.get<bool>();
      continue;
    }
    Json member = member_json(key, value);
    out.get_ref<Json::object_t&>().emplace_back(std::move(key), std::move(member));
  }
  if (nullable && out.contains("type")) out["type"] = Json::array({out["type"], "null"});
  return out;
}

}  // namespace overtake::gemini
