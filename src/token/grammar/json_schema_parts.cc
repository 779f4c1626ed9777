#include "token/grammar/json_schema_parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace overtake {
namespace {

constexpr size_t kMaxParts = 200;

struct NamedType {
  std::string_view name;
  uint8_t bits;
};
constexpr NamedType kTypes[] = {{"null", kJsonNull},       {"boolean", kJsonBoolean},
                                {"integer", kJsonInteger}, {"number", kJsonNumber | kJsonInteger},
                                {"string", kJsonString},   {"array", kJsonArray},
                                {"object", kJsonObject}};

// What keywords are about, where a schema names no type.
constexpr NamedType kSubjects[] = {{"properties", kJsonObject},
                                   {"required", kJsonObject},
                                   {"additionalProperties", kJsonObject},
                                   {"patternProperties", kJsonObject},
                                   {"propertyNames", kJsonObject},
                                   {"minProperties", kJsonObject},
                                   {"maxProperties", kJsonObject},
                                   {"items", kJsonArray},
                                   {"prefixItems", kJsonArray},
                                   {"additionalItems", kJsonArray},
                                   {"minItems", kJsonArray},
                                   {"maxItems", kJsonArray},
                                   {"uniqueItems", kJsonArray},
                                   {"minLength", kJsonString},
                                   {"maxLength", kJsonString},
                                   {"pattern", kJsonString},
                                   {"format", kJsonString},
                                   {"minimum", kJsonNumber | kJsonInteger},
                                   {"maximum", kJsonNumber | kJsonInteger},
                                   {"exclusiveMinimum", kJsonNumber | kJsonInteger},
                                   {"exclusiveMaximum", kJsonNumber | kJsonInteger},
                                   {"multipleOf", kJsonNumber | kJsonInteger}};

// A token of a JSON pointer (RFC 6901) within a URL's fragment.
std::string pointer_token(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && i + 1 < text.size()) {
      out += text[++i] == '1' ? '/' : '~';
    } else if (text[i] == '%' && i + 2 < text.size()) {
      out +=
          static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Error schema_error(ErrorCode code, std::string_view what, std::string_view path,
                   std::string_view remedy) {
  return {code, fmt::format("{}; the JSON schema at {}; {}", what, escaped(path), remedy)};
}

uint8_t type_of(const Json& value) {
  if (value.is_null()) return kJsonNull;
  if (value.is_boolean()) return kJsonBoolean;
  if (value.is_string()) return kJsonString;
  if (value.is_array()) return kJsonArray;
  if (value.is_object()) return kJsonObject;
  if (value.is_number_integer()) return kJsonInteger;
  return std::trunc(value.get<double>()) == value.get<double>() ? kJsonInteger : kJsonNumber;
}

bool is_plain_ref(const Json& schema) {
  static constexpr std::array<std::string_view, 12> kNotes = {
      "$ref",    "title",    "description", "default",    "examples", "$comment",
      "$schema", "readOnly", "writeOnly",   "deprecated", "$defs",    "definitions"};
  return schema.contains("$ref") &&
         std::all_of(schema.items().begin(), schema.items().end(), [](const auto& member) {
           return std::find(kNotes.begin(), kNotes.end(), member.key()) != kNotes.end();
         });
}

Result<const Json*> SchemaReader::resolve(const std::string& ref, std::string_view path) const {
  const auto unknown = [&](std::string_view remedy) {
    return schema_error(ErrorCode::kInvalidArgument,
                        fmt::format("$ref {} names nothing that is there", escaped(ref)), path,
                        remedy);
  };
  if (!ref.starts_with('#')) return unknown("put it under $defs and use #/$defs/NAME");
  const Json* at = &root_;
  std::string_view rest = std::string_view(ref).substr(1);
  if (!rest.empty() && rest[0] != '/') return unknown("use #/$defs/NAME");
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string token = pointer_token(rest.substr(0, end));
    rest.remove_prefix(end);
    if (at->is_object() && at->contains(token)) {
      at = &(*at)[token];
    } else if (at->is_array() && !token.empty() && token.size() < 9 &&
               token.find_first_not_of("0123456789") == std::string::npos &&
               std::stoul(token) < at->size()) {
      at = &(*at)[std::stoul(token)];
    } else {
      return unknown("define it, or correct the name");
    }
  }
  return at;
}

Result<std::optional<SchemaParts>> SchemaReader::expand(const std::vector<Json>& schemas,
                                                        std::string_view path) const {
  SchemaParts out;
  struct Entry {
    Json schema;
    std::vector<std::string> refs;  // that led to it
  };
  std::vector<Entry> todo;
  for (auto at = schemas.rbegin(); at != schemas.rend(); ++at) todo.push_back({*at, {}});
  std::set<std::string> seen;
  for (size_t n = 0; !todo.empty(); ++n) {
    Json schema = std::move(todo.back().schema);
    std::vector<std::string> refs = std::move(todo.back().refs);
    todo.pop_back();
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) return std::optional<SchemaParts>();
      continue;
    }
    if (!schema.is_object()) {
      return schema_error(ErrorCode::kInvalidArgument, "a schema is an object or a boolean", path,
                          "write one");
    }
    if (n > kMaxParts) {
      return schema_error(ErrorCode::kInvalidArgument, "too many schemas have to hold at once",
                          path, "use less of allOf and $ref");
    }
    const auto all = schema.find("allOf");
    if (all != schema.end()) {
      if (!all->is_array()) {
        return schema_error(ErrorCode::kInvalidArgument, "allOf is no list", path, "write one");
      }
      for (auto at = all->rbegin(); at != all->rend(); ++at) todo.push_back({*at, refs});
      schema.erase("allOf");
    }
    const auto ref = schema.find("$ref");
    if (ref != schema.end()) {
      if (!ref->is_string()) {
        return schema_error(ErrorCode::kInvalidArgument, "$ref is no text", path, "write one");
      }
      const std::string name = ref->get<std::string>();
      if (std::find(refs.begin(), refs.end(), name) != refs.end()) {
        return schema_error(ErrorCode::kInvalidArgument,
                            fmt::format("$ref {} leads to itself", escaped(name)), path,
                            "remove it");
      }
      refs.push_back(name);
      if (seen.insert(name).second) todo.push_back({*TRY(resolve(name, path)), std::move(refs)});
      schema.erase("$ref");
    }
    if (!schema.empty() && std::find(out.begin(), out.end(), schema) == out.end()) {
      out.push_back(std::move(schema));
    }
  }
  return std::optional(std::move(out));
}

Result<uint8_t> SchemaReader::types_of(const SchemaParts& parts, std::string_view path) {
  uint8_t types = kAnyJsonType, subjects = 0;
  bool named = false;
  for (const Json& part : parts) {
    for (const auto& [keyword, bits] : kSubjects) {
      if (part.contains(keyword)) subjects |= bits;
    }
    const auto type = part.find("type");
    if (type == part.end()) continue;
    named = true;
    uint8_t allowed = 0;
    const Json list = type->is_array() ? *type : Json::array({*type});
    for (const Json& name : list) {
      const auto known = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& entry) {
        return name.is_string() && name.get_ref<const std::string&>() == entry.name;
      });
      if (known == std::end(kTypes)) {
        return schema_error(ErrorCode::kInvalidArgument,
                            fmt::format("unknown type {}", escaped(dump_json(name))), path,
                            "use null, boolean, integer, number, string, array or object");
      }
      allowed |= known->bits;
    }
    types &= allowed;
  }
  return named || subjects == 0 ? types : subjects;
}

}  // namespace overtake
