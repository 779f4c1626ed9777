#include "wire/openai/grammar_fields.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace overtake::openai {
namespace {

using Kind = OutputFormat::Kind;
constexpr size_t kMaxChoices = 4096;

void read_schema(const Json& schema, std::string_view name, wire::Fields& fields,
                 OutputFormat* out) {
  out->kind = Kind::kJsonSchema;
  if (schema.is_object()) {
    out->schema = dump_json(schema);
  } else if (schema.is_string()) {  // vLLM takes its text as well
    out->schema = schema.get<std::string>();
  } else {
    fields.invalid(name, "expected a JSON Schema (an object)");
  }
}

void read_text(const Json& text, std::string_view name, wire::Fields& fields, OutputFormat* out) {
  if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
    return fields.invalid(name, "expected a string");
  }
  out->grammar = text.get<std::string>();
}

void read_choices(const Json& choices, std::string_view name, wire::Fields& fields,
                  OutputFormat* out) {
  out->kind = Kind::kChoice;
  if (!choices.is_array() || choices.empty() || choices.size() > kMaxChoices) {
    return fields.invalid(name, fmt::format("expected a list of 1 to {} texts", kMaxChoices));
  }
  for (const Json& choice : choices) {
    if (!choice.is_string()) return fields.invalid(name, "expected texts");
    out->choices.push_back(choice.get<std::string>());
  }
}

struct Member {
  std::string_view name;
  Kind kind;
};

void read_member(const Member& member, const Json& value, wire::Fields& fields, OutputFormat* out) {
  out->kind = member.kind;
  switch (member.kind) {
    case Kind::kJsonSchema:
      return read_schema(value, member.name, fields, out);
    case Kind::kChoice:
      return read_choices(value, member.name, fields, out);
    case Kind::kRegex:
    case Kind::kGrammar:
      return read_text(value, member.name, fields, out);
    case Kind::kJson:
      if (value != Json(true)) out->kind = Kind::kText;
      return;
    case Kind::kText:
      return;
  }
}

// The one of `members` that is there; a second one contradicts it.
void read_one(std::span<const Member> members, wire::Fields& fields, OutputFormat* out) {
  for (const Member& member : members) {
    const Json* value = fields.find(member.name);
    if (!value) continue;
    if (out->kind != Kind::kText) {
      return fields.invalid(member.name, "contradicts what else asks for a form of the answer");
    }
    read_member(member, *value, fields, out);
  }
}

constexpr Member kMembers[] = {
    {"guided_json", Kind::kJsonSchema}, {"json_schema", Kind::kJsonSchema},
    {"guided_regex", Kind::kRegex},     {"guided_choice", Kind::kChoice},
    {"guided_grammar", Kind::kGrammar}, {"grammar", Kind::kGrammar},
};
constexpr Member kStructured[] = {
    {"json", Kind::kJsonSchema}, {"json_object", Kind::kJson}, {"regex", Kind::kRegex},
    {"choice", Kind::kChoice},   {"grammar", Kind::kGrammar},
};

}  // namespace

void read_grammar_fields(wire::Fields& fields, OutputFormat* out) {
  read_one(kMembers, fields, out);
  const Json* structured = fields.object("structured_outputs");
  if (!structured) return;
  wire::Fields inner(*structured, fields.param("structured_outputs") + ".");
  read_one(kStructured, inner, out);
  if (inner.error()) fields.fail(*inner.error());
}

std::vector<std::string_view> grammar_fields_of(const OutputFormat& format) {
  if (format.kind != Kind::kJsonSchema && format.kind != Kind::kJson) return {};
  return {"guided_json", "json_schema", "structured_outputs"};
}

}  // namespace overtake::openai
