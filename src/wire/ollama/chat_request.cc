// The request of POST /api/chat.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/ollama/common_fields.h"

namespace overtake::ollama {
namespace {

constexpr size_t kMaxTools = 128;

void read_tool_calls(wire::Fields& fields, Message* out) {
  const Json* calls = fields.array("tool_calls");
  for (size_t i = 0; calls && i < calls->size() && fields.ok(); ++i) {
    const std::string path = fmt::format("tool_calls[{}]", i);
    const Json& json = (*calls)[i];
    if (!json.is_object()) return fields.invalid(path, "expected an object");
    wire::Fields call(json, fields.param(path) + ".");
    ToolCall tool;
    tool.id = call.string("id").value_or("");
    if (const Json* function = call.object("function")) {
      wire::Fields inner(*function, call.param("function") + ".");
      tool.name = inner.string("name").value_or("");
      if (tool.name.empty()) inner.invalid("name", "expected the function's name");
      const Json* arguments = inner.object("arguments");
      tool.arguments = arguments ? dump_json(*arguments) : "{}";
      if (inner.error()) call.fail(*inner.error());
    } else {
      call.invalid("function", "expected an object");
    }
    if (call.error()) fields.fail(*call.error());
    tool.extra = call.extra({"id", "type", "function"});
    out->content.push_back(std::move(tool));
  }
}

std::optional<Role> role_of(std::string_view name) {
  for (const Role role : {Role::kSystem, Role::kUser, Role::kAssistant, Role::kTool}) {
    if (role_name(role) == name) return role;
  }
  return std::nullopt;
}

void read_message(const Json& json, size_t index, wire::Fields& call, ChatPrompt* out) {
  const std::string path = fmt::format("messages[{}]", index);
  if (!json.is_object()) return call.invalid(path, "expected an object");
  wire::Fields fields(json, path + ".");
  Message message;
  const auto role = role_of(fields.string("role").value_or(""));
  if (!role) {
    fields.invalid("role", "expected system, user, assistant or tool");
  } else {
    message.role = *role;
    if (auto thought = fields.string("thinking"); thought && !thought->empty()) {
      message.content.push_back(ReasoningPart{std::move(*thought)});
    }
    const auto text = fields.string("content");
    if (text && (!text->empty() || *role != Role::kAssistant)) {
      message.content.push_back(TextPart{*text});
    }
    read_images(fields, &message);
    if (*role == Role::kAssistant) read_tool_calls(fields, &message);
    const Json* calls = fields.array("tool_calls");
    if (*role != Role::kAssistant && calls && !calls->empty()) {
      fields.invalid("tool_calls", "only assistant messages have them");
    }
    message.name = fields.string("tool_name").value_or("");
    message.tool_call_id = fields.string("tool_call_id").value_or("");
    if (!fields.find("content") && message.content.empty()) {
      fields.invalid("content", "a message needs content, images or tool calls");
    }
    message.extra = fields.extra(
        {"role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"});
  }
  if (fields.error()) call.fail(*fields.error());
  out->messages.push_back(std::move(message));
}

void read_tool(const Json& json, size_t index, wire::Fields& call, ChatPrompt* out) {
  const std::string path = fmt::format("tools[{}]", index);
  const Json* function =
      json.is_object() && json.contains("function") ? &json["function"] : nullptr;
  if (!function || !function->is_object()) {
    return call.invalid(path, "expected {type: function, function: {...}}");
  }
  wire::Fields outer(json, path + ".");
  wire::Fields fields(*function, path + ".function.");
  ToolSpec tool;
  tool.name = fields.string("name").value_or("");
  tool.description = fields.string("description").value_or("");
  if (const Json* schema = fields.object("parameters")) tool.parameters = dump_json(*schema);
  if (tool.name.empty()) fields.invalid("name", "expected the function's name");
  if (fields.error()) call.fail(*fields.error());
  tool.extra = outer.extra({"type", "function"});
  out->tools.push_back(std::move(tool));
}

}  // namespace

std::optional<wire::CallError> parse_chat_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  read_common_fields(fields, call);
  keep_extra(fields, {"messages", "tools"}, call);
  ChatPrompt prompt;
  const Json* tools = fields.array("tools");
  if (tools && tools->size() > kMaxTools) {
    fields.invalid("tools", fmt::format("at most {} tools", kMaxTools));
  }
  for (size_t i = 0; tools && i < tools->size() && fields.ok(); ++i) {
    read_tool((*tools)[i], i, fields, &prompt);
  }
  const Json* messages = fields.array("messages");
  if (!messages || messages->empty()) fields.invalid("messages", "expected an array of messages");
  for (size_t i = 0; messages && i < messages->size() && fields.ok(); ++i) {
    read_message((*messages)[i], i, fields, &prompt);
  }
  call->prompts.emplace_back(std::move(prompt));
  return fields.error();
}

}  // namespace overtake::ollama
