// Tools, the choice among them, and the form of the text in a Responses request.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

constexpr size_t kMaxTools = 128;

void read_tool(const Json& json, const std::string& path, wire::Fields& call, ChatPrompt* out) {
  if (!json.is_object()) {
    return call.fail(wire::invalid_field(path, path + ": expected a tool (an object)"));
  }
  wire::Fields fields(json, path + ".");
  ToolSpec tool;
  const std::string type = fields.string("type").value_or("");
  if (type == "function") {
    tool.name = fields.string("name").value_or("");
    tool.description = fields.string("description").value_or("");
    if (const Json* parameters = fields.object("parameters")) {
      tool.parameters = dump_json(*parameters);
    }
    tool.strict = fields.boolean("strict");
    tool.extra = fields.extra({"type", "name", "description", "parameters", "strict"});
    if (tool.name.empty()) fields.invalid("name", "expected the function's name");
  } else if (type.empty()) {
    fields.invalid("type", "expected function, or a tool that OpenAI runs");
  } else {
    tool.extra = dump_json(json);  // "web_search" and such
  }
  if (fields.error()) call.fail(*fields.error());
  out->tools.push_back(std::move(tool));
}

void read_choice(const Json& choice, wire::Fields& fields, ToolChoice* out) {
  using Kind = ToolChoice::Kind;
  if (choice == "auto" || choice == "none" || choice == "required") {
    out->kind = choice == "auto" ? Kind::kAuto : choice == "none" ? Kind::kNone : Kind::kRequired;
    return;
  }
  if (!choice.is_object()) {
    return fields.invalid("tool_choice", "expected none, auto, required or {type, name}");
  }
  wire::Fields inner(choice, "tool_choice.");
  const std::string type = inner.string("type").value_or("");
  if (type.empty()) inner.invalid("type", "expected function, or a choice that OpenAI knows");
  if (type == "function") {
    out->kind = Kind::kNamed;
    out->name = inner.string("name").value_or("");
    if (out->name.empty()) inner.invalid("name", "expected the function's name");
  } else {
    out->kind = Kind::kVendors;
    out->extra = dump_json(choice);
  }
  if (inner.error()) fields.fail(*inner.error());
}

void read_format(const Json& json, wire::Fields& text, OutputFormat* out) {
  wire::Fields fields(json, "text.format.");
  const std::string type = fields.string("type").value_or("");
  if (type == "json_object") {
    out->kind = OutputFormat::Kind::kJson;
  } else if (type == "json_schema") {
    out->kind = OutputFormat::Kind::kJsonSchema;
    out->name = fields.string("name").value_or("");
    out->description = fields.string("description").value_or("");
    out->strict = fields.boolean("strict");
    const Json* schema = fields.object("schema");
    if (out->name.empty()) fields.invalid("name", "expected the schema's name");
    if (!schema) fields.invalid("schema", "expected a JSON Schema (an object)");
    if (schema) out->schema = dump_json(*schema);
  } else if (type != "text") {
    fields.invalid("type", "expected text, json_object or json_schema");
  }
  if (fields.error()) text.fail(*fields.error());
}

}  // namespace

void read_responses_tools(wire::Fields& fields, ChatPrompt* out) {
  const Json* tools = fields.array("tools");
  if (tools && tools->size() > kMaxTools) {
    return fields.invalid("tools", fmt::format("at most {} tools", kMaxTools));
  }
  for (size_t i = 0; tools && i < tools->size(); ++i) {
    read_tool((*tools)[i], fmt::format("tools[{}]", i), fields, out);
  }
  if (const Json* choice = fields.find("tool_choice")) {
    read_choice(*choice, fields, &out->tool_choice);
  }
  out->tool_choice.parallel = fields.boolean("parallel_tool_calls");
}

void read_text_config(wire::Fields& fields, GenerateRequest* out) {
  const Json* text = fields.object("text");
  if (!text) return;
  wire::Fields inner(*text, "text.");
  inner.string("verbosity");
  if (const Json* format = inner.object("format")) read_format(*format, inner, &out->format);
  if (inner.error()) fields.fail(*inner.error());
}

}  // namespace overtake::openai
