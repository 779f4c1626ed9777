#include "token/grammar/json_schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "token/grammar/grammar_automaton.h"
#include "token/grammar/json_schema_writer.h"

namespace overtake {
namespace {

// Schemas within a schema, counted as often as they are met.
constexpr int kMostSchemas = 20'000;

// Keywords that say what is valid and are not held. `not` and conditions are not regular in what
// has been written so far; the others count what may stand anywhere.
constexpr const char* kUnheld[] = {"not",
                                   "if",
                                   "then",
                                   "else",
                                   "dependentRequired",
                                   "dependentSchemas",
                                   "dependencies",
                                   "contains",
                                   "minContains",
                                   "maxContains",
                                   "unevaluatedProperties",
                                   "unevaluatedItems",
                                   "$dynamicRef",
                                   "$recursiveRef"};

// As a text is written: see JsonSpacing.
std::string one_line(const Json& value) {
  std::string out;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      out += (out.empty() ? "" : ", ") + dump_json(key) + ": " + one_line(member);
    }
    return "{" + out + "}";
  }
  if (value.is_array()) {
    for (const Json& item : value) out += (out.empty() ? "" : ", ") + one_line(item);
    return "[" + out + "]";
  }
  return dump_json(value);
}

bool accepts(GrammarAutomaton& automaton, std::string_view text) {
  automaton.begin_work();
  auto state = automaton.start();
  for (const char c : text) state = automaton.next(state, static_cast<uint8_t>(c));
  return automaton.accepts(state);
}

}  // namespace

Error SchemaWriter::unheld(std::string_view what, std::string_view path) const {
  return schema_error(ErrorCode::kUnsupported,
                      fmt::format("{} can not be held while an answer is written", what), path,
                      "leave it out and check the answer, or send strict: false to ignore it");
}

Result<RuleId> SchemaWriter::write_root(const Json& schema) {
  const RuleId root = builder_.new_rule("root");
  builder_.define(root, TRY(write({schema}, "#")));
  TRY(write_pending());
  return root;
}

// Rules are written one after the other, not one within the other: chains may be long.
Status SchemaWriter::write_pending() {
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    builder_.define(next.rule, TRY(write_parts_of(next.schemas, next.path)));
  }
  return {};
}

Result<ExprId> SchemaWriter::write_ref(const std::string& ref, const std::string& path) {
  const auto [at, is_new] = refs_.try_emplace(ref, 0);
  if (is_new) {
    const Json* schema = TRY(reader_.resolve(ref, path));
    at->second = builder_.new_rule(ref);
    pending_.push_back({at->second, {*schema}, ref});
  }
  return builder_.rule(at->second);
}

Result<ExprId> SchemaWriter::write(const std::vector<Json>& schemas, const std::string& path) {
  if (schemas.size() == 1 && schemas[0].is_object() && is_plain_ref(schemas[0]) &&
      schemas[0]["$ref"].is_string()) {
    return write_ref(schemas[0]["$ref"].get<std::string>(), path);
  }
  const bool merges =
      schemas.size() > 1 || (schemas.size() == 1 && schemas[0].is_object() &&
                             (schemas[0].contains("allOf") || schemas[0].contains("$ref")));
  if (!merges) return write_parts_of(schemas, path);
  // What is put together of several schemas may contain itself: it becomes a rule, like a $ref.
  std::string name;
  for (const Json& schema : schemas) name += dump_json(schema) + "&";
  const auto [at, is_new] = merged_.try_emplace(std::move(name), 0);
  if (is_new) {
    at->second = builder_.new_rule(path);
    pending_.push_back({at->second, schemas, path});
  }
  return builder_.rule(at->second);
}

Result<ExprId> SchemaWriter::write_parts_of(const std::vector<Json>& schemas,
                                            const std::string& path) {
  auto parts = TRY(reader_.expand(schemas, path));
  return parts ? write_parts(std::move(*parts), path) : Result<ExprId>(builder_.nothing());
}

Result<ExprId> SchemaWriter::write_parts(SchemaParts parts, const std::string& path) {
  TRY(builder_.check());
  if (++n_written_ > kMostSchemas || depth_ > builder_.limits().max_depth) {
    return schema_error(ErrorCode::kInvalidArgument, "the schema is too large", path,
                        "make it smaller, or its alternatives fewer");
  }
  ++depth_;
  const auto leave = [this](Result<ExprId> result) {
    --depth_;
    return result;
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (parts[i].contains(keyword)) {
        return leave(write_branches(std::move(parts), i, keyword, path));
      }
    }
  }
  const auto named = [](const Json& part) {
    return part.contains("enum") || part.contains("const");
  };
  if (std::any_of(parts.begin(), parts.end(), named)) {
    return leave(write_values(std::move(parts), path));
  }
  return leave(write_types(parts, path));
}

// One of several, each together with all else that is said.
Result<ExprId> SchemaWriter::write_branches(SchemaParts parts, size_t place, const char* keyword,
                                            const std::string& path) {
  const Json branches = parts[place][keyword];
  if (!branches.is_array() || branches.empty()) {
    return schema_error(ErrorCode::kInvalidArgument, fmt::format("{} is no list", keyword), path,
                        "give it schemas");
  }
  parts[place].erase(keyword);
  if (parts[place].empty()) parts.erase(parts.begin() + static_cast<ptrdiff_t>(place));
  if (std::string_view(keyword) == "oneOf" && !options_.ignores_unheld) {
    for (size_t a = 0; a < branches.size(); ++a) {
      for (size_t b = 0; b < branches.size(); ++b) {
        TRY(builder_.check());
        if (a == b || TRY(excludes(branches[a], branches[b], parts, path))) continue;
        return unheld(
            "oneOf whose schemas may both be valid (tell them apart by type or by a "
            "required member with const; or use anyOf)",
            path);
      }
    }
  }
  std::vector<ExprId> ways;
  for (size_t i = 0; i < branches.size(); ++i) {
    std::vector<Json> schemas(parts.begin(), parts.end());
    schemas.insert(schemas.begin(), branches[i]);
    ways.push_back(TRY(write(schemas, fmt::format("{}/{}/{}", path, keyword, i))));
  }
  return builder_.choice(ways);
}

// enum and const: their values, as far as all else that is said allows them.
Result<ExprId> SchemaWriter::write_values(SchemaParts parts, const std::string& path) {
  std::optional<std::vector<Json>> values;
  for (Json& part : parts) {
    for (const char* keyword : {"enum", "const"}) {
      if (!part.contains(keyword)) continue;
      const bool is_list = std::string_view(keyword) == "enum";
      if (is_list && !part[keyword].is_array()) {
        return schema_error(ErrorCode::kInvalidArgument, "enum is no list", path, "write one");
      }
      const Json list = is_list ? part[keyword] : Json::array({part[keyword]});
      std::vector<Json> both;
      for (const Json& value : list) {
        if (!values || std::find(values->begin(), values->end(), value) != values->end()) {
          both.push_back(value);
        }
      }
      values = std::move(both);
      part.erase(keyword);
    }
  }
  std::erase_if(parts, [](const Json& part) { return part.empty(); });
  static constexpr std::string_view kHarmless[] = {
      "type",    "title", "description", "default",  "examples",  "$comment",
      "$schema", "$defs", "definitions", "readOnly", "writeOnly", "deprecated"};
  bool only_type = true;
  for (const Json& part : parts) {
    for (const auto& member : part.items()) {
      only_type = only_type && std::find(std::begin(kHarmless), std::end(kHarmless),
                                         member.key()) != std::end(kHarmless);
    }
  }
  std::vector<ExprId> ways;
  if (only_type) {
    const uint8_t types = TRY(SchemaReader::types_of(parts, path));
    for (const Json& value : *values) {
      if (type_of(value) & types) ways.push_back(builder_.literal(one_line(value)));
    }
    return builder_.choice(ways);
  }
  GrammarBuilder rest(builder_.limits());
  SchemaWriter writer(rest, reader_.root(), options_);
  const RuleId rule = rest.new_rule("rest");
  rest.define(rule, TRY(writer.write_parts(parts, path)));
  TRY(writer.write_pending());
  const auto grammar = Grammar::make(rest, rule);
  if (!grammar.ok()) return builder_.nothing();
  GrammarAutomaton automaton(*grammar);
  for (const Json& value : *values) {
    const std::string text = one_line(value);
    if (accepts(automaton, text)) ways.push_back(builder_.literal(text));
  }
  return builder_.choice(ways);
}

Status SchemaWriter::check_held(const SchemaParts& parts, const std::string& path) const {
  if (options_.ignores_unheld) return {};
  for (const Json& part : parts) {
    for (const char* keyword : kUnheld) {
      if (part.contains(keyword)) return unheld(keyword, path);
    }
  }
  return {};
}

Result<ExprId> SchemaWriter::write_types(const SchemaParts& parts, const std::string& path) {
  TRY(check_held(parts, path));
  const uint8_t types = TRY(SchemaReader::types_of(parts, path));
  if (parts.empty() ||
      (types == kAnyJsonType && std::none_of(parts.begin(), parts.end(), [](const Json& part) {
         return part.contains("type");
       }))) {
    return json_.value();
  }
  std::vector<ExprId> ways;
  if (types & kJsonObject) ways.push_back(TRY(write_object(parts, path)));
  if (types & kJsonArray) ways.push_back(TRY(write_array(parts, path)));
  if (types & kJsonString) ways.push_back(TRY(write_string(parts, path)));
  if (types & kJsonNumber) {
    ways.push_back(TRY(write_number(parts, false, path)));
  } else if (types & kJsonInteger) {
    ways.push_back(TRY(write_number(parts, true, path)));
  }
  if (types & kJsonBoolean) ways.push_back(json_.boolean());
  if (types & kJsonNull) ways.push_back(json_.null());
  return builder_.choice(ways);
}

Result<RuleId> add_json_schema(GrammarBuilder& builder, std::string_view schema,
                               const JsonSchemaOptions& options) {
  if (schema.size() > builder.limits().max_source_bytes) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("it has more than {} bytes; the JSON schema; make it smaller",
                             builder.limits().max_source_bytes)};
  }
  const Json root = TRY(parse_json(schema, "the JSON schema"));
  return SchemaWriter(builder, root, options).write_root(root);
}

RuleId add_json_object(GrammarBuilder& builder) {
  const RuleId rule = builder.new_rule("root");
  builder.define(rule, JsonGrammar(builder, JsonSpacing::kFree).object());
  return rule;
}

}  // namespace overtake
