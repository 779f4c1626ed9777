// The request of POST /v1/chat/completions.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "wire/openai/fields.h"
#include "wire/openai/request.h"
#include "wire/openai/sampling_fields.h"

namespace overtake::openai {
namespace {

constexpr size_t kMaxTools = 128;

std::optional<Role> parse_role(std::string_view name) {
  for (const Role role :
       {Role::kSystem, Role::kDeveloper, Role::kUser, Role::kAssistant, Role::kTool}) {
    if (role_name(role) == name) return role;
  }
  return std::nullopt;
}

void read_part(const Json& part, const std::string& path, Fields& message, Message* out) {
  if (!part.is_object()) {
    return message.fail(invalid_field(path, path + ": expected a content part (an object)"));
  }
  Fields fields(part, path + ".");
  const std::string type = fields.string("type").value_or("");
  if (type == "text" || type == "refusal") {
    auto text = fields.string(type);
    if (!text) fields.invalid(type, "expected a string");
    out->content.push_back(TextPart{std::move(text).value_or("")});
  } else if (type == "image_url" || type == "input_audio" || type == "file") {
    fields.unsupported("type", fmt::format("this model reads text only, not \"{}\"", type));
  } else {
    fields.invalid("type", "expected \"text\"");
  }
  if (fields.error()) message.fail(*fields.error());
}

void read_content(Fields& fields, Message* out) {
  const Json* content = fields.find("content");
  if (!content) {
    const bool may_be_absent = out->role == Role::kAssistant;
    if (!may_be_absent) fields.invalid("content", "expected a string or an array of parts");
    return;
  }
  if (content->is_string()) {
    out->content.push_back(TextPart{content->get<std::string>()});
  } else if (content->is_array()) {
    for (size_t i = 0; i < content->size(); ++i) {
      read_part((*content)[i], fields.param(fmt::format("content[{}]", i)), fields, out);
    }
  } else {
    fields.invalid("content", "expected a string or an array of parts");
  }
}

void read_tool_calls(Fields& fields, Message* out) {
  const Json* calls = fields.array("tool_calls");
  if (!calls) return;
  if (out->role != Role::kAssistant) {
    return fields.invalid("tool_calls", "only assistant messages have them");
  }
  for (size_t i = 0; i < calls->size(); ++i) {
    const std::string path = fields.param(fmt::format("tool_calls[{}]", i));
    if (!(*calls)[i].is_object())
      return fields.fail(invalid_field(path, path + ": expected an object"));
    Fields call((*calls)[i], path + ".");
    ToolCall tool;
    tool.id = call.string("id").value_or("");
    if (const Json* function = call.object("function")) {
      Fields inner(*function, path + ".function.");
      tool.name = inner.string("name").value_or("");
      tool.arguments = inner.string("arguments").value_or("");
      if (tool.name.empty()) inner.invalid("name", "expected the function's name");
      if (inner.error()) call.fail(*inner.error());
    } else {
      call.invalid("function", "expected an object");
    }
    if (call.error()) fields.fail(*call.error());
    out->tool_calls.push_back(std::move(tool));
  }
}

void read_message(const Json& json, const std::string& path, Fields& call, ChatPrompt* out) {
  if (!json.is_object()) return call.fail(invalid_field(path, path + ": expected an object"));
  Fields fields(json, path + ".");
  Message message;
  const auto role = parse_role(fields.string("role").value_or(""));
  if (!role) {
    fields.invalid("role", "expected developer, system, user, assistant or tool");
  } else {
    message.role = *role;
    message.name = fields.string("name").value_or("");
    message.tool_call_id = fields.string("tool_call_id").value_or("");
    read_content(fields, &message);
    read_tool_calls(fields, &message);
    if (message.role == Role::kTool && message.tool_call_id.empty()) {
      fields.invalid("tool_call_id", "a tool message names the call that it answers");
    }
    if (message.content.empty() && message.tool_calls.empty()) {
      fields.invalid("content", "a message needs content or tool calls");
    }
    if (fields.find("audio")) fields.unsupported("audio", "this model reads text only");
  }
  if (fields.error()) call.fail(*fields.error());
  out->messages.push_back(std::move(message));
}

void read_messages(Fields& fields, ChatPrompt* out) {
  const Json* messages = fields.array("messages");
  if (!messages) return fields.invalid("messages", "expected an array of messages");
  if (messages->empty()) return fields.invalid("messages", "expected at least one message");
  for (size_t i = 0; i < messages->size() && fields.ok(); ++i) {
    read_message((*messages)[i], fmt::format("messages[{}]", i), fields, out);
  }
}

void read_tool(const Json& json, const std::string& path, Fields& call, ChatPrompt* out) {
  const Json* function =
      json.is_object() && json.contains("function") ? &json["function"] : nullptr;
  if (!function || !function->is_object()) {
    return call.fail(invalid_field(path, path + ": expected {type: function, function: {...}}"));
  }
  Fields fields(*function, path + ".function.");
  ToolSpec tool;
  tool.name = fields.string("name").value_or("");
  tool.description = fields.string("description").value_or("");
  if (const Json* parameters = fields.object("parameters"))
    tool.parameters = dump_json(*parameters);
  if (tool.name.empty()) fields.invalid("name", "expected the function's name");
  if (fields.error()) call.fail(*fields.error());
  out->tools.push_back(std::move(tool));
}

// Tools may stand in the prompt, but calls that the model writes are not read back from its text:
// a client that expects calls would wait for them in vain.
void read_tools(Fields& fields, ChatPrompt* out) {
  const Json* choice = fields.find("tool_choice");
  const bool none = choice && choice->is_string() && choice->get<std::string>() == "none";
  const Json* tools = fields.array("tools");
  if (tools && tools->size() > kMaxTools) {
    fields.invalid("tools", fmt::format("at most {} tools", kMaxTools));
  } else if (tools && !tools->empty() && !none) {
    fields.unsupported("tools",
                       "tool calls are not supported for this model; leave tools out or "
                       "send tool_choice \"none\"");
  } else if (tools) {
    for (size_t i = 0; i < tools->size(); ++i) {
      read_tool((*tools)[i], fmt::format("tools[{}]", i), fields, out);
    }
  }
  const bool automatic = choice && choice->is_string() && choice->get<std::string>() == "auto";
  if (choice && !none && !automatic) {
    fields.unsupported("tool_choice", "tool calls are not supported for this model");
  }
  const Json* functions = fields.array("functions");
  if (functions && !functions->empty()) {
    fields.unsupported("functions", "function calls are not supported for this model");
  }
}

void refuse_unsupported(Fields& fields) {
  if (const Json* format = fields.object("response_format")) {
    const auto type = format->find("type");
    if (type == format->end() || *type != "text") {
      fields.unsupported("response_format",
                         "only {\"type\": \"text\"} is supported for this model");
    }
  }
  if (const Json* modalities = fields.array("modalities")) {
    for (const Json& modality : *modalities) {
      if (modality != "text") fields.unsupported("modalities", "this model writes text only");
    }
  }
  if (fields.find("audio")) fields.unsupported("audio", "this model writes text only");
  if (fields.find("web_search_options")) {
    fields.unsupported("web_search_options", "this model does not search the web");
  }
}

void read_max_tokens(Fields& fields, CompletionCall* call) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const auto older = fields.integer("max_tokens", 1, most);
  const auto newer = fields.integer("max_completion_tokens", 1, most);
  if (older && newer && *older != *newer) {
    fields.invalid("max_tokens", "contradicts max_completion_tokens; send one of them");
  }
  call->request.max_tokens = newer ? newer : older;
}

void read_chat_logprobs(Fields& fields, CompletionCall* call) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (top.value_or(0) > 0 && !wanted) {
    fields.invalid("top_logprobs", "only allowed where logprobs is true");
  }
  if (wanted) call->request.top_logprobs = static_cast<int>(top.value_or(0));
}

// Not OpenAI's: fields that vLLM's clients send, to have the model write on an answer.
void read_prompt_end(Fields& fields, ChatPrompt* out) {
  out->continue_final_message = fields.boolean("continue_final_message").value_or(false);
  const auto add = fields.boolean("add_generation_prompt");
  if (out->continue_final_message && add.value_or(false)) {
    fields.invalid("continue_final_message", "not allowed where add_generation_prompt is true");
  }
  out->add_generation_prompt = add.value_or(!out->continue_final_message);
}

}  // namespace

std::optional<ApiError> parse_chat_request(const Json& body, CompletionCall* call) {
  if (!body.is_object()) return plain_error(400, "the request's body is not a JSON object");
  Fields fields(body);
  read_common_fields(fields, call);
  read_max_tokens(fields, call);
  read_chat_logprobs(fields, call);
  refuse_unsupported(fields);
  ChatPrompt prompt;
  read_tools(fields, &prompt);
  read_messages(fields, &prompt);
  read_prompt_end(fields, &prompt);
  call->prompts.emplace_back(std::move(prompt));
  return fields.error();
}

}  // namespace overtake::openai
