// What a JSON schema says of objects.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "token/grammar/grammar_automaton.h"
#include "token/grammar/json_schema_writer.h"
#include "token/grammar/regex.h"

namespace overtake {
namespace {

constexpr size_t kMostMembers = 2000;
constexpr size_t kMostPatterns = 4;

const Json* member(const Json& part, const char* keyword) {
  const auto at = part.find(keyword);
  return at == part.end() ? nullptr : &*at;
}

// `key` as it stands between its quotes.
std::string spelled(const std::string& key) {
  const std::string quoted = dump_json(key);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

// Whether the pattern is found in the key.
Result<bool> SchemaWriter::matches(const std::string& pattern, const std::string& key) {
  GrammarBuilder builder(builder_.limits());
  const RuleId rule = builder.new_rule("pattern");
  builder.define(rule, TRY(add_regex(builder, pattern, {.searches = true})));
  const auto grammar = Grammar::make(builder, rule);
  if (!grammar.ok()) return false;
  GrammarAutomaton automaton(*grammar);
  auto state = automaton.start();
  for (const char c : key) state = automaton.next(state, static_cast<uint8_t>(c));
  TRY(automaton.check());
  return automaton.accepts(state);
}

// All that is said of the member `key`; `allowed` false where it may not be there.
Result<std::vector<Json>> SchemaWriter::schemas_of_key(const SchemaParts& parts,
                                                       const std::string& key, bool& allowed) {
  std::vector<Json> out;
  allowed = true;
  for (const Json& part : parts) {
    bool declared = false;
    if (const Json* properties = member(part, "properties")) {
      if (const Json* schema = member(*properties, key.c_str())) {
        out.push_back(*schema);
        declared = true;
      }
    }
    if (const Json* patterns = member(part, "patternProperties")) {
      for (const auto& [pattern, schema] : patterns->items()) {
        if (!TRY(matches(pattern, key))) continue;
        out.push_back(schema);
        declared = true;
      }
    }
    const Json* additional = member(part, "additionalProperties");
    if (declared || !additional) continue;
    if (*additional == Json(false)) allowed = false;
    out.push_back(*additional);
  }
  return out;
}

Result<std::vector<SchemaWriter::Member>> SchemaWriter::members_of(const SchemaParts& parts,
                                                                   const std::string& path) {
  const auto invalid = [&](std::string_view what, std::string_view remedy) {
    return schema_error(ErrorCode::kInvalidArgument, what, path, remedy);
  };
  std::vector<Member> out;
  std::set<std::string> known, required;
  for (const Json& part : parts) {
    if (const Json* list = member(part, "required"); list && !list->is_boolean()) {
      if (!list->is_array()) return invalid("required is no list", "write one");
      for (const Json& key : *list) {
        if (!key.is_string()) return invalid("required names no member", "use texts");
        required.insert(key.get<std::string>());
      }
    }
    for (const char* keyword : {"properties", "patternProperties"}) {
      const Json* members = member(part, keyword);
      if (members && !members->is_object()) {
        return invalid(fmt::format("{} is no object", keyword), "write one");
      }
    }
    if (const Json* properties = member(part, "properties")) {
      for (const auto& property : properties->items()) {
        if (known.insert(property.key()).second) out.push_back({property.key(), {}, false});
      }
    }
  }
  for (const std::string& key : required) {
    if (known.insert(key).second) out.push_back({key, {}, true});
  }
  if (out.size() > kMostMembers) {
    return invalid(fmt::format("an object has more than {} members", kMostMembers), "use fewer");
  }
  std::vector<Member> allowed;
  for (Member& entry : out) {
    TRY(builder_.check());
    bool may_be = true;
    entry.required = required.count(entry.key) > 0;
    entry.schemas = TRY(schemas_of_key(parts, entry.key, may_be));
    if (!may_be && !entry.required) continue;
    if (!may_be) entry.schemas = {Json(false)};
    allowed.push_back(std::move(entry));
  }
  return allowed;
}

// Keys that no member has, as propertyNames wants them.
Result<ExprId> SchemaWriter::key_chars(const SchemaParts& parts, const std::vector<Member>& members,
                                       const std::string& path) {
  ExprId out = builder_.repeat(json_.string_chars(CodePointSet::all()), 0, -1);
  for (const Json& part : parts) {
    const Json* names = member(part, "propertyNames");
    if (!names) continue;
    auto said = TRY(reader_.expand({*names}, path));
    if (!said) return builder_.nothing();
    std::vector<ExprId> texts;
    bool listed = false;
    SchemaParts strings;
    for (Json& name : *said) {
      if (name.contains("enum") && name["enum"].is_array()) {
        listed = true;
        for (const Json& value : name["enum"]) {
          if (value.is_string()) texts.push_back(builder_.literal(spelled(value)));
        }
        name.erase("enum");
      }
      for (const char* keyword : {"anyOf", "oneOf", "const", "not", "minLength", "maxLength"}) {
        if (name.contains(keyword) && !options_.ignores_unheld) {
          return unheld(fmt::format("{} in propertyNames", keyword), path);
        }
      }
      if (name.contains("pattern") && name["pattern"].is_string()) {
        out = TRY(builder_.intersection(out, TRY(pattern_chars(name["pattern"], path))));
      }
    }
    if (listed) out = TRY(builder_.intersection(out, builder_.choice(texts)));
  }
  if (members.empty()) return out;
  std::vector<ExprId> keys;
  for (const Member& entry : members) keys.push_back(builder_.literal(spelled(entry.key)));
  return builder_.difference(out, builder_.choice(keys));
}

// Members whose keys match just the patterns in `mask`; nullopt where the schema does not speak of
// them.
Result<std::optional<SchemaWriter::Extra>> SchemaWriter::pattern_extra(
    const SchemaParts& parts, ExprId others, const std::vector<std::string>& patterns,
    unsigned mask, const std::string& path) {
  std::vector<Json> schemas;
  bool said = false;
  for (const Json& part : parts) {
    bool matched = false;
    const Json* own = member(part, "patternProperties");
    for (size_t i = 0; own && i < patterns.size(); ++i) {
      const Json* schema = mask >> i & 1 ? member(*own, patterns[i].c_str()) : nullptr;
      if (!schema) continue;
      schemas.push_back(*schema);
      matched = true;
    }
    const Json* additional = matched ? nullptr : member(part, "additionalProperties");
    if (additional) schemas.push_back(*additional);
    said = said || matched || additional;
  }
  const bool forbidden = std::find(schemas.begin(), schemas.end(), Json(false)) != schemas.end();
  if (!said || forbidden) return std::optional<Extra>();
  ExprId key = others;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const ExprId matching = TRY(pattern_chars(patterns[i], path));
    key = mask >> i & 1 ? TRY(builder_.intersection(key, matching))
                        : TRY(builder_.difference(key, matching));
  }
  const ExprId value = TRY(write(schemas, path + "/additionalProperties"));
  return std::optional(Extra{key, value});
}

Result<std::vector<SchemaWriter::Extra>> SchemaWriter::extras_of(const SchemaParts& parts,
                                                                 const std::vector<Member>& members,
                                                                 const std::string& path) {
  std::vector<std::string> patterns;
  bool said = !members.empty(), names = false;
  for (const Json& part : parts) {
    said = said || part.contains("additionalProperties") || part.contains("properties");
    names = names || part.contains("propertyNames");
    const Json* own = member(part, "patternProperties");
    if (!own) continue;
    said = true;
    for (const auto& entry : own->items()) {
      if (std::find(patterns.begin(), patterns.end(), entry.key()) == patterns.end()) {
        patterns.push_back(entry.key());
      }
    }
  }
  if (patterns.size() > kMostPatterns) {
    return schema_error(ErrorCode::kUnsupported,
                        fmt::format("patternProperties has more than {} patterns", kMostPatterns),
                        path, "use fewer");
  }
  std::vector<Extra> out;
  if (!said && !names) return std::vector<Extra>({{json_.string(), json_.value()}});
  const ExprId quote = builder_.literal("\"");
  const ExprId others = TRY(key_chars(parts, members, path));
  if (!said)
    return std::vector<Extra>({{builder_.sequence({quote, others, quote}), json_.value()}});
  for (unsigned mask = 0; mask < 1u << patterns.size(); ++mask) {
    const auto extra = TRY(pattern_extra(parts, others, patterns, mask, path));
    if (extra) out.push_back({builder_.sequence({quote, extra->key, quote}), extra->value});
  }
  return out;
}

// Declared members in their order, then the others. Each place is a rule of its own, in two forms:
// with a member before it, which needs a comma, and without.
Result<ExprId> SchemaWriter::write_members(const std::vector<Member>& members,
                                           const std::vector<Extra>& extras,
                                           const std::string& path) {
  std::vector<ExprId> ways;
  for (const Extra& extra : extras) {
    ways.push_back(builder_.sequence({extra.key, json_.colon(), extra.value}));
  }
  const ExprId close = json_.close('}');
  const auto tail = [&](bool behind, ExprId body) {
    const RuleId rule = builder_.new_rule(path + (behind ? " members" : " first members"));
    builder_.define(rule, body);
    return builder_.rule(rule);
  };
  ExprId after = close, first = close;
  if (!ways.empty()) {
    const RuleId extra = builder_.new_rule(path + " additional");
    builder_.define(extra, builder_.choice(ways));
    const ExprId one = builder_.rule(extra);
    const ExprId more = builder_.repeat(builder_.sequence({json_.comma(), one}), 0, -1);
    after = tail(true, builder_.sequence({more, close}));
    first = tail(false, builder_.choice({close, builder_.sequence({one, after})}));
  }
  for (size_t i = members.size(); i-- > 0;) {
    const Member& entry = members[i];
    const ExprId value = TRY(write(entry.schemas, path + "/properties/" + entry.key));
    const RuleId rule = builder_.new_rule(path + "/" + entry.key);
    builder_.define(rule, builder_.sequence({builder_.literal(dump_json(entry.key)), json_.colon(),
                                             value, after}));
    const ExprId here = builder_.rule(rule);
    const ExprId next = builder_.sequence({json_.comma(), here});
    first = tail(false, entry.required ? here : builder_.choice({here, first}));
    after = tail(true, entry.required ? next : builder_.choice({next, after}));
    TRY(builder_.check());
  }
  return builder_.sequence({json_.open('{'), first});
}

Result<ExprId> SchemaWriter::write_object(const SchemaParts& parts, const std::string& path) {
  const Counts counts = TRY(counts_of(parts, "minProperties", "maxProperties", path));
  const std::vector<Member> members = TRY(members_of(parts, path));
  const std::vector<Extra> extras = TRY(extras_of(parts, members, path));
  const auto n_required = std::count_if(members.begin(), members.end(),
                                        [](const Member& entry) { return entry.required; });
  for (const Json& part : parts) {
    const Json* names = member(part, "propertyNames");
    if (names && !members.empty() && !options_.ignores_unheld) {
      return unheld("propertyNames beside properties", path);
    }
  }
  if (members.empty()) {
    std::vector<ExprId> ways;
    for (const Extra& extra : extras) {
      ways.push_back(builder_.sequence({extra.key, json_.colon(), extra.value}));
    }
    // A key may be written twice: only one is sure to be counted.
    if (counts.min > 1 && !options_.ignores_unheld) return unheld("minProperties above 1", path);
    if (ways.empty()) return counts.min > 0 ? builder_.nothing() : builder_.literal("{}");
    const RuleId rule = builder_.new_rule(path + " additional");
    builder_.define(rule, builder_.choice(ways));
    return json_.list('{', builder_.rule(rule), counts.min, counts.max, '}');
  }
  const bool fits =
      counts.min <= n_required &&
      (counts.max < 0 || (extras.empty() && counts.max >= static_cast<int64_t>(members.size())));
  if (!fits && !options_.ignores_unheld) return unheld("minProperties or maxProperties", path);
  return write_members(members, extras, path);
}

// Only what is simple to see: types, values, required members that the other can not have or has
// with other values.
Result<bool> SchemaWriter::excludes(const Json& a, const Json& b, const SchemaParts& common,
                                    const std::string& path) const {
  std::vector<Json> with_a(common.begin(), common.end()), with_b = with_a;
  with_a.push_back(a);
  with_b.push_back(b);
  const auto parts_a = TRY(reader_.expand(with_a, path));
  const auto parts_b = TRY(reader_.expand(with_b, path));
  if (!parts_a || !parts_b) return true;
  const uint8_t types_a = TRY(SchemaReader::types_of(*parts_a, path));
  uint8_t types_b = kAnyJsonType;
  const auto values = [](const SchemaParts& parts) -> std::optional<std::vector<Json>> {
    for (const Json& part : parts) {
      if (const Json* one = member(part, "const")) return std::vector<Json>{*one};
      const Json* list = member(part, "enum");
      if (list && list->is_array()) return std::vector<Json>(list->begin(), list->end());
    }
    return std::nullopt;
  };
  const auto apart = [](const std::vector<Json>& x, const std::vector<Json>& y) {
    return std::none_of(x.begin(), x.end(), [&](const Json& value) {
      return std::find(y.begin(), y.end(), value) != y.end();
    });
  };
  const auto values_a = values(*parts_a), values_b = values(*parts_b);
  if (values_a && values_b && apart(*values_a, *values_b)) return true;
  for (const Json& part : *parts_b) {
    // Of b, only what it says itself counts: a text by `a` has to be invalid by it.
    if (part.contains("type")) types_b &= TRY(SchemaReader::types_of({part}, path));
  }
  if (values_a) {
    const auto fits = [&](const Json& value) { return (type_of(value) & types_b) != 0; };
    if (std::none_of(values_a->begin(), values_a->end(), fits)) return true;
  } else if ((types_a & types_b) == 0) {
    return true;
  }
  if (types_a != kJsonObject) return false;
  const auto property = [](const SchemaParts& parts, const std::string& key) -> const Json* {
    for (const Json& part : parts) {
      const Json* properties = member(part, "properties");
      if (properties && properties->is_object()) {
        if (const Json* schema = member(*properties, key.c_str())) return schema;
      }
    }
    return nullptr;
  };
  const auto closed = [](const SchemaParts& parts, bool for_writing) {
    return std::any_of(parts.begin(), parts.end(), [&](const Json& part) {
      const Json* additional = member(part, "additionalProperties");
      const bool open = part.contains("patternProperties") || part.contains("propertyNames");
      return (additional ? *additional == Json(false)
                         : for_writing && part.contains("properties")) &&
             !open;
    });
  };
  for (const Json& part : *parts_b) {
    const Json* required = member(part, "required");
    for (const Json& key : required && required->is_array() ? *required : Json::array()) {
      if (!key.is_string()) continue;
      // `a` never writes it.
      if (!property(*parts_a, key) && closed(*parts_a, true)) {
        const auto needs = [&](const Json& own) {
          const Json* list = member(own, "required");
          return list && list->is_array() &&
                 std::find(list->begin(), list->end(), key) != list->end();
        };
        if (std::none_of(parts_a->begin(), parts_a->end(), needs)) return true;
      }
    }
  }
  for (const Json& part : *parts_a) {
    const Json* required = member(part, "required");
    for (const Json& key : required && required->is_array() ? *required : Json::array()) {
      if (!key.is_string()) continue;
      const Json* in_a = property(*parts_a, key);
      const Json* in_b = property(*parts_b, key);
      if (!in_b && closed(*parts_b, false)) return true;
      if (!in_a || !in_b) continue;
      const auto said_a = TRY(reader_.expand({*in_a}, path));
      const auto said_b = TRY(reader_.expand({*in_b}, path));
      if (!said_a || !said_b) return true;
      const auto of_a = values(*said_a), of_b = values(*said_b);
      if (of_a && of_b && apart(*of_a, *of_b)) return true;
    }
  }
  return false;
}

}  // namespace overtake
