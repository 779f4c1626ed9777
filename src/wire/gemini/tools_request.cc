// The tools of a request and how they may be used.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/gemini/names.h"
#include "wire/gemini/request.h"
#include "wire/gemini/schema.h"

namespace overtake::gemini {
namespace {

constexpr size_t kMaxTools = 128;

void read_declaration(wire::Fields& fields, ChatPrompt* out) {
  ToolSpec tool;
  tool.name = fields.string("name").value_or("");
  if (tool.name.empty()) fields.invalid("name", "expected the function's name");
  tool.description = fields.string("description").value_or("");
  const Json* schema = fields.object("parameters");
  const Json* plain = fields.object(spelled(fields, "parametersJsonSchema"));
  if (schema && plain) {
    fields.invalid("parameters", "contradicts parametersJsonSchema; send one of them");
  } else if (plain) {
    tool.parameters = dump_json(*plain);
  } else if (schema) {
    tool.parameters = dump_json(to_json_schema(*schema));
  }
  tool.extra = extra_of(fields, {"name", "description", "parameters", "parametersJsonSchema"});
  out->tools.push_back(std::move(tool));
}

void read_tool(const Json& json, const std::string& path, wire::Fields& call, ChatPrompt* out) {
  if (!json.is_object()) return call.invalid(path, "expected an object");
  wire::Fields fields(json, path + ".");
  const std::string name = spelled(fields, "functionDeclarations");
  const Json* declarations = fields.array(name);
  for (size_t i = 0; declarations && i < declarations->size() && fields.ok(); ++i) {
    const std::string at = fmt::format("{}[{}]", name, i);
    if (out->tools.size() == kMaxTools) {
      fields.invalid(name, fmt::format("at most {} tools", kMaxTools));
    } else if (!(*declarations)[i].is_object()) {
      fields.invalid(at, "expected an object");
    } else {
      wire::Fields one((*declarations)[i], fields.param(at) + ".");
      read_declaration(one, out);
      if (one.error()) fields.fail(*one.error());
    }
  }
  // Search, code execution and such, which Google's models do themselves.
  const std::string others = extra_of(fields, {"functionDeclarations"});
  if (!others.empty() && out->tools.size() < kMaxTools) {
    ToolSpec vendors;
    vendors.extra = others;
    out->tools.push_back(std::move(vendors));
  }
  if (fields.error()) call.fail(*fields.error());
}

void read_choice(wire::Fields& fields, ToolChoice* out) {
  using Kind = ToolChoice::Kind;
  const std::string mode = fields.string("mode").value_or("AUTO");
  const std::string name = spelled(fields, "allowedFunctionNames");
  const Json* allowed = fields.array(name);
  const size_t n_allowed = allowed ? allowed->size() : 0;
  if (mode == "AUTO" || mode == "MODE_UNSPECIFIED") {
    out->kind = Kind::kAuto;
  } else if (mode == "NONE") {
    out->kind = Kind::kNone;
  } else if (mode == "ANY") {
    out->kind = n_allowed == 1 ? Kind::kNamed : Kind::kRequired;
  } else if (mode == "VALIDATED") {
    return fields.unsupported("mode", "VALIDATED is not supported here; send AUTO, ANY or NONE");
  } else {
    return fields.invalid("mode", "expected AUTO, ANY or NONE");
  }
  if (n_allowed == 0) return;
  if (n_allowed > 1 || mode != "ANY") {
    return fields.unsupported(name, "only one function, with mode ANY; else send fewer tools");
  }
  if (!(*allowed)[0].is_string()) return fields.invalid(name, "expected names of functions");
  out->name = (*allowed)[0].get<std::string>();
}

}  // namespace

void read_tools(wire::Fields& fields, ChatPrompt* out) {
  const Json* tools = fields.array("tools");
  for (size_t i = 0; tools && i < tools->size() && fields.ok(); ++i) {
    read_tool((*tools)[i], fmt::format("tools[{}]", i), fields, out);
  }
  const std::string name = spelled(fields, "toolConfig");
  const Json* config = fields.object(name);
  if (!config) return;
  wire::Fields outer(*config, fields.param(name) + ".");
  const std::string inner_name = spelled(outer, "functionCallingConfig");
  if (const Json* choice = outer.object(inner_name)) {
    wire::Fields inner(*choice, outer.param(inner_name) + ".");
    read_choice(inner, &out->tool_choice);
    if (inner.error()) outer.fail(*inner.error());
  }
  if (outer.error()) fields.fail(*outer.error());
}

}  // namespace overtake::gemini
