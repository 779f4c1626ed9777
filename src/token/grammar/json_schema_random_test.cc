// Random schemas: whatever is drawn within their grammars is valid, by a validator that shares
// nothing with them.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "token/grammar/grammar_cache.h"
#include "token/grammar/grammar_test_support.h"
#include "token/utf8.h"

namespace overtake {
namespace {

using testing::draw_answer;
using testing::TinyTokenizer;

// ---- a validator by the words of the specification

int64_t length_of(std::string_view text) {
  int64_t n = 0;
  for (; !text.empty(); ++n) text.remove_prefix(decode_utf8(text).length);
  return n;
}

bool is_valid(const Json& schema, const Json& value, const Json& root);

bool has_type(const std::string& type, const Json& value) {
  if (type == "integer")
    return value.is_number() && std::trunc(value.get<double>()) == value.get<double>();
  if (type == "number") return value.is_number();
  return type == value.type_name();
}

bool number_is_valid(const Json& schema, double x) {
  if (schema.contains("multipleOf") && std::fmod(x, schema["multipleOf"].get<double>()) != 0) {
    return false;
  }
  return x >= schema.value("minimum", -INFINITY) && x <= schema.value("maximum", INFINITY) &&
         x > schema.value("exclusiveMinimum", -INFINITY) &&
         x < schema.value("exclusiveMaximum", INFINITY);
}

bool string_is_valid(const Json& schema, const std::string& text) {
  const int64_t n = length_of(text);
  if (n < schema.value("minLength", 0) || n > schema.value("maxLength", 1 << 30)) return false;
  const std::string pattern = schema.value("pattern", "");
  // The two patterns that are drawn below.
  if (pattern == "^[a-f]+$") {
    return !text.empty() && text.find_first_not_of("abcdef") == std::string::npos;
  }
  return pattern != "x.y" || [&] {
    for (size_t i = 0; i + 2 < text.size(); ++i) {
      if (text[i] != 'x') continue;
      const std::string_view rest = std::string_view(text).substr(i + 1);
      const size_t one = decode_utf8(rest).length;
      if (rest[0] != '\n' && rest[0] != '\r' && one < rest.size() && rest[one] == 'y') return true;
    }
    return false;
  }();
}

bool array_is_valid(const Json& schema, const Json& value, const Json& root) {
  const auto n = static_cast<int64_t>(value.size());
  if (n < schema.value("minItems", 0) || n > schema.value("maxItems", 1 << 30)) return false;
  const Json first = schema.value("prefixItems", Json::array());
  for (size_t i = 0; i < value.size(); ++i) {
    const Json item = i < first.size() ? first[i] : schema.value("items", Json(true));
    if (!is_valid(item, value[i], root)) return false;
  }
  return true;
}

bool object_is_valid(const Json& schema, const Json& value, const Json& root) {
  for (const Json& key : schema.value("required", Json::array())) {
    if (!value.contains(key.get<std::string>())) return false;
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, member] : value.items()) {
    const bool declared = properties.contains(key);
    const Json own = declared ? properties[key] : schema.value("additionalProperties", Json(true));
    if (!is_valid(own, member, root)) return false;
  }
  return true;
}

bool is_valid(const Json& schema, const Json& value, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>();
  if (schema.contains("$ref") && !is_valid(root["$defs"]["node"], value, root)) return false;
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    bool any = false;
    for (const Json& type : types) any = any || has_type(type, value);
    if (!any) return false;
  }
  const auto count = [&](const char* keyword) {
    int n = 0;
    for (const Json& one : schema[keyword]) n += is_valid(one, value, root);
    return n;
  };
  if (schema.contains("enum")) {
    bool any = false;
    for (const Json& one : schema["enum"]) any = any || one == value;
    if (!any) return false;
  }
  if (schema.contains("anyOf") && count("anyOf") == 0) return false;
  if (schema.contains("oneOf") && count("oneOf") != 1) return false;
  if (schema.contains("allOf") && count("allOf") != static_cast<int>(schema["allOf"].size())) {
    return false;
  }
  if (value.is_number()) return number_is_valid(schema, value.get<double>());
  if (value.is_string()) return string_is_valid(schema, value.get<std::string>());
  if (value.is_array()) return array_is_valid(schema, value, root);
  return !value.is_object() || object_is_valid(schema, value, root);
}

// ---- schemas by chance

class SchemaMaker {
 public:
  explicit SchemaMaker(uint32_t seed) : random_(seed) {}

  Json make_root() {
    Json root = make(3);
    root["$defs"]["node"] = make(2);
    return root;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }

  Json make(int depth) {
    const int kind = below(depth > 0 ? 10 : 5);
    if (kind == 0) return make_number();
    if (kind == 1) return make_string();
    if (kind == 2) return Json{{"enum", {"a", "b\"\\", 3, nullptr, false, -1.5}}};
    if (kind == 3) return Json{{"type", {"null", "boolean", "integer"}}};
    if (kind == 4) return one_in(2) ? make_number() : Json{{"$ref", "#/$defs/node"}};
    if (kind == 5) return Json{{"anyOf", {make(depth - 1), make(0)}}};
    if (kind == 6) {
      return Json{
          {"oneOf", {make_object(depth - 1, "a"), make_object(depth - 1, "b"), make_number()}}};
    }
    if (kind == 7) return make_array(depth - 1);
    if (kind == 8) {
      return Json{{"allOf", {make_object(depth - 1, ""), {{"required", {"k1"}}}}}};
    }
    return make_object(depth - 1, "");
  }

  Json make_number() {
    Json out = {{"type", one_in(2) ? "integer" : "number"}};
    if (one_in(2)) out["minimum"] = below(400) / 4.0 - 50;
    if (one_in(2)) out["exclusiveMaximum"] = below(400) / 8.0 + 60;
    if (one_in(4)) out["multipleOf"] = 1 + below(9);
    return out;
  }

  Json make_string() {
    Json out = {{"type", "string"}};
    if (one_in(3)) out["minLength"] = below(4);
    if (one_in(3)) out["maxLength"] = 4 + below(10);
    if (one_in(3)) out["pattern"] = one_in(2) ? "^[a-f]+$" : "x.y";
    return out;
  }

  Json make_array(int depth) {
    Json out = {{"type", "array"}, {"items", make(depth)}};
    if (one_in(3)) out["minItems"] = below(3);
    if (one_in(2)) out["maxItems"] = 2 + below(3);
    if (one_in(3)) out["prefixItems"] = {make(0), make(0)};
    return out;
  }

  // With `tag`, a member that tells it from others.
  Json make_object(int depth, const std::string& tag) {
    Json out = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
    if (!tag.empty()) {
      out["properties"]["tag"] = {{"const", tag}, {"enum", {tag}}};
      out["required"].push_back("tag");
    }
    for (int i = 0, n = below(4); i < n; ++i) {
      const std::string key = "k" + std::to_string(below(6));
      out["properties"][key] = make(depth);
      if (one_in(2)) out["required"].push_back(key);
    }
    if (one_in(3)) out["additionalProperties"] = one_in(2) ? Json(false) : make(0);
    return out;
  }

  std::mt19937 random_;
};

TEST(JsonSchemaGrammar, AllowsNothingInvalidOfRandomSchemas) {
  const TinyTokenizer tokenizer({"{\"", "\": ", ", \"", "k1", "k2", "true", "null", "12", "é", "🙂",
                                 "ab", "xzy", "\\u00", "\"}", "\": {\"", "\\n", " \"", "0.5"});
  GrammarCache cache(tokenizer, {tokenizer.end()}, tokenizer.size());
  int n_held = 0, n_drawn = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const Json schema = SchemaMaker(seed).make_root();
    const auto masks = cache.get({GrammarSource::Kind::kJsonSchema, dump_json(schema)});
    if (!masks.ok()) {
      EXPECT_NE(masks.error().code, ErrorCode::kInternal) << dump_json(schema);
      continue;
    }
    ++n_held;
    std::mt19937 random(seed);
    for (int i = 0; i < 12; ++i) {
      const auto text =
          draw_answer(GrammarCursor::begin(*masks, tokenizer).value(), tokenizer, random, 400);
      if (!text) continue;  // cut off
      ++n_drawn;
      Json value;
      ASSERT_NO_THROW(value = Json::parse(*text)) << dump_json(schema) << "\n" << *text;
      ASSERT_TRUE(is_valid(schema, value, schema)) << dump_json(schema) << "\n" << *text;
    }
  }
  EXPECT_GT(n_held, 300);
  EXPECT_GT(n_drawn, 2000);
}

}  // namespace
}  // namespace overtake
