// The request of POST /v1/chat/completions.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "wire/base64.h"
#include "wire/fields.h"
#include "wire/openai/grammar_fields.h"
#include "wire/openai/request.h"
#include "wire/openai/sampling_fields.h"

namespace overtake::openai {
namespace {

constexpr size_t kMaxTools = 128;

// All that is read below and in sampling_fields.cc. What else a request has goes along as `extra`;
// so do "prediction" and what asks for a regular expression, a grammar or a choice, which are read
// too.
constexpr std::string_view kKnownFields[] = {
    "model",
    "messages",
    "n",
    "user",
    "ignore_eos",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "min_p",
    "repetition_penalty",
    "top_k",
    "seed",
    "logit_bias",
    "stop",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "logprobs",
    "top_logprobs",
    "modalities",
    "audio",
    "response_format",
    "reasoning_effort",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "web_search_options",
    "continue_final_message",
    "add_generation_prompt",
};

std::optional<Role> parse_role(std::string_view name) {
  for (const Role role :
       {Role::kSystem, Role::kDeveloper, Role::kUser, Role::kAssistant, Role::kTool}) {
    if (role_name(role) == name) return role;
  }
  return std::nullopt;
}

// "data:image/png;base64,..." becomes bytes; any other URL is passed on.
void read_image(wire::Fields& fields, Message* out) {
  const Json* object = fields.object("image_url");
  if (!object) return fields.invalid("image_url", "expected an object with a url");
  wire::Fields inner(*object, fields.param("image_url") + ".");
  ImagePart image;
  image.url = inner.string("url").value_or("");
  image.detail = inner.string("detail").value_or("");
  if (image.url.empty()) inner.invalid("url", "expected a URL or a data: URL");
  if (auto data = wire::parse_data_url(image.url)) {
    image.media_type = std::move(data->media_type);
    image.bytes = std::move(data->bytes);
    image.url.clear();
  } else if (image.url.starts_with("data:")) {
    inner.invalid("url", "expected data:TYPE;base64,BYTES");
  }
  if (inner.error()) fields.fail(*inner.error());
  out->content.push_back(std::move(image));
}

void read_audio(wire::Fields& fields, Message* out) {
  const Json* object = fields.object("input_audio");
  if (!object) return fields.invalid("input_audio", "expected an object with data and format");
  wire::Fields inner(*object, fields.param("input_audio") + ".");
  AudioPart audio;
  audio.format = inner.string("format").value_or("");
  auto bytes = wire::decode_base64(inner.string("data").value_or(""));
  if (!bytes) inner.invalid("data", "expected base64");
  audio.bytes = std::move(bytes).value_or("");
  if (inner.error()) fields.fail(*inner.error());
  out->content.push_back(std::move(audio));
}

void read_file(wire::Fields& fields, Message* out) {
  const Json* object = fields.object("file");
  if (!object) return fields.invalid("file", "expected an object with file_id or file_data");
  wire::Fields inner(*object, fields.param("file") + ".");
  FilePart file;
  file.id = inner.string("file_id").value_or("");
  file.name = inner.string("filename").value_or("");
  if (const auto data = inner.string("file_data")) {
    auto parsed = wire::parse_data_url(*data);
    if (!parsed) inner.invalid("file_data", "expected data:TYPE;base64,BYTES");
    if (parsed) file.media_type = std::move(parsed->media_type);
    if (parsed) file.bytes = std::move(parsed->bytes);
  } else if (file.id.empty()) {
    inner.invalid("file_id", "expected file_id or file_data");
  }
  if (inner.error()) fields.fail(*inner.error());
  out->content.push_back(std::move(file));
}

void read_part(const Json& part, const std::string& path, wire::Fields& message, Message* out) {
  if (!part.is_object()) {
    return message.fail(wire::invalid_field(path, path + ": expected a content part (an object)"));
  }
  wire::Fields fields(part, path + ".");
  const std::string type = fields.string("type").value_or("");
  if (type == "text") {
    auto text = fields.string("text");
    if (!text) fields.invalid("text", "expected a string");
    out->content.push_back(
        TextPart{std::move(text).value_or(""), {}, fields.extra({"type", "text"})});
  } else if (type == "refusal") {
    auto text = fields.string("refusal");
    if (!text) fields.invalid("refusal", "expected a string");
    out->content.push_back(RefusalPart{std::move(text).value_or("")});
  } else if (type == "image_url") {
    read_image(fields, out);
  } else if (type == "input_audio") {
    read_audio(fields, out);
  } else if (type == "file") {
    read_file(fields, out);
  } else {
    fields.invalid("type", "expected text, image_url, input_audio, file or refusal");
  }
  if (fields.error()) message.fail(*fields.error());
}

void read_content(wire::Fields& fields, Message* out) {
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

void read_tool_calls(wire::Fields& fields, Message* out) {
  const Json* calls = fields.array("tool_calls");
  if (!calls) return;
  if (out->role != Role::kAssistant) {
    return fields.invalid("tool_calls", "only assistant messages have them");
  }
  for (size_t i = 0; i < calls->size(); ++i) {
    const std::string path = fields.param(fmt::format("tool_calls[{}]", i));
    if (!(*calls)[i].is_object())
      return fields.fail(wire::invalid_field(path, path + ": expected an object"));
    wire::Fields call((*calls)[i], path + ".");
    ToolCall tool;
    tool.id = call.string("id").value_or("");
    if (const Json* function = call.object("function")) {
      wire::Fields inner(*function, path + ".function.");
      tool.name = inner.string("name").value_or("");
      tool.arguments = inner.string("arguments").value_or("");
      if (tool.name.empty()) inner.invalid("name", "expected the function's name");
      if (inner.error()) call.fail(*inner.error());
    } else {
      call.invalid("function", "expected an object");
    }
    if (call.error()) fields.fail(*call.error());
    out->content.push_back(std::move(tool));
  }
}

void read_message(const Json& json, const std::string& path, wire::Fields& call, ChatPrompt* out) {
  if (!json.is_object()) return call.fail(wire::invalid_field(path, path + ": expected an object"));
  wire::Fields fields(json, path + ".");
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
    if (message.content.empty()) {
      fields.invalid("content", "a message needs content or tool calls");
    }
    if (const auto thought = fields.string("reasoning_content")) {
      message.content.insert(message.content.begin(), ReasoningPart{*thought});
    }
    if (const auto refusal = fields.string("refusal")) {
      message.content.push_back(RefusalPart{*refusal});
    }
    message.extra = fields.extra(
        {"role", "name", "tool_call_id", "content", "tool_calls", "reasoning_content", "refusal"});
  }
  if (fields.error()) call.fail(*fields.error());
  out->messages.push_back(std::move(message));
}

void read_messages(wire::Fields& fields, ChatPrompt* out) {
  const Json* messages = fields.array("messages");
  if (!messages) return fields.invalid("messages", "expected an array of messages");
  if (messages->empty()) return fields.invalid("messages", "expected at least one message");
  for (size_t i = 0; i < messages->size() && fields.ok(); ++i) {
    read_message((*messages)[i], fmt::format("messages[{}]", i), fields, out);
  }
}

void read_tool(const Json& json, const std::string& path, wire::Fields& call, ChatPrompt* out) {
  const Json* function =
      json.is_object() && json.contains("function") ? &json["function"] : nullptr;
  if (json.is_object() && json.contains("type") && json["type"] != "function") {
    ToolSpec vendors;  // "custom" and such: passed on as it is
    vendors.extra = dump_json(json);
    out->tools.push_back(std::move(vendors));
    return;
  }
  if (!function || !function->is_object()) {
    return call.fail(
        wire::invalid_field(path, path + ": expected {type: function, function: {...}}"));
  }
  wire::Fields fields(*function, path + ".function.");
  ToolSpec tool;
  tool.name = fields.string("name").value_or("");
  tool.description = fields.string("description").value_or("");
  if (const Json* parameters = fields.object("parameters"))
    tool.parameters = dump_json(*parameters);
  tool.strict = fields.boolean("strict");
  if (tool.name.empty()) fields.invalid("name", "expected the function's name");
  if (fields.error()) call.fail(*fields.error());
  out->tools.push_back(std::move(tool));
}

void read_tool_choice(const Json& choice, wire::Fields& fields, ToolChoice* out) {
  using Kind = ToolChoice::Kind;
  if (choice.is_string()) {
    const auto& word = choice.get_ref<const std::string&>();
    if (word == "auto") out->kind = Kind::kAuto;
    if (word == "none") out->kind = Kind::kNone;
    if (word == "required") out->kind = Kind::kRequired;
    if (word == "auto" || word == "none" || word == "required") return;
  } else if (choice.is_object() && choice.contains("function") && choice["function"].is_object()) {
    wire::Fields inner(choice["function"], "tool_choice.function.");
    out->kind = Kind::kNamed;
    out->name = inner.string("name").value_or("");
    if (!out->name.empty()) return;
  }
  fields.invalid("tool_choice", "expected none, auto, required or {type: function, function}");
}

void read_tools(wire::Fields& fields, ChatPrompt* out) {
  const Json* tools = fields.array("tools");
  if (tools && tools->size() > kMaxTools) {
    return fields.invalid("tools", fmt::format("at most {} tools", kMaxTools));
  }
  for (size_t i = 0; tools && i < tools->size(); ++i) {
    read_tool((*tools)[i], fmt::format("tools[{}]", i), fields, out);
  }
  // A search that OpenAI's models do themselves, said in a member of its own.
  if (const Json* search = fields.object("web_search_options")) {
    ToolSpec vendors;
    vendors.extra = dump_json(Json{{"web_search_options", *search}});
    out->tools.push_back(std::move(vendors));
  }
  if (const Json* choice = fields.find("tool_choice")) {
    read_tool_choice(*choice, fields, &out->tool_choice);
  }
  out->tool_choice.parallel = fields.boolean("parallel_tool_calls");
  const Json* functions = fields.array("functions");
  if (functions && !functions->empty()) {
    fields.unsupported("functions", "this is the old form; send tools instead");
  }
}

void read_format(wire::Fields& fields, OutputFormat* out) {
  const Json* format = fields.object("response_format");
  if (!format) return;
  wire::Fields outer(*format, "response_format.");
  const std::string type = outer.string("type").value_or("");
  if (type == "json_object") {
    out->kind = OutputFormat::Kind::kJson;
  } else if (type == "json_schema") {
    out->kind = OutputFormat::Kind::kJsonSchema;
    const Json* schema = outer.object("json_schema");
    if (!schema) {
      outer.invalid("json_schema", "expected an object");
    } else {
      wire::Fields inner(*schema, "response_format.json_schema.");
      out->name = inner.string("name").value_or("");
      out->description = inner.string("description").value_or("");
      out->strict = inner.boolean("strict");
      if (const Json* text = inner.object("schema")) out->schema = dump_json(*text);
      if (out->name.empty()) inner.invalid("name", "expected the schema's name");
      if (inner.error()) outer.fail(*inner.error());
    }
  } else if (type != "text") {
    outer.invalid("type", "expected text, json_object or json_schema");
  }
  if (outer.error()) fields.fail(*outer.error());
}

// What no model behind this server does: it writes text.
void refuse_unsupported(wire::Fields& fields) {
  if (const Json* modalities = fields.array("modalities")) {
    for (const Json& modality : *modalities) {
      if (modality != "text") fields.unsupported("modalities", "answers are text only");
    }
  }
  if (fields.find("audio")) fields.unsupported("audio", "answers are text only");
}

void read_max_tokens(wire::Fields& fields, wire::Call* call) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const auto older = fields.integer("max_tokens", 1, most);
  const auto newer = fields.integer("max_completion_tokens", 1, most);
  if (older && newer && *older != *newer) {
    fields.invalid("max_tokens", "contradicts max_completion_tokens; send one of them");
  }
  call->request.max_tokens = newer ? newer : older;
}

void read_chat_logprobs(wire::Fields& fields, wire::Call* call) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (top.value_or(0) > 0 && !wanted) {
    fields.invalid("top_logprobs", "only allowed where logprobs is true");
  }
  if (wanted) call->request.top_logprobs = static_cast<int>(top.value_or(0));
}

// The text that the client expects, or its parts.
void read_prediction(wire::Fields& fields, std::string* out) {
  const Json* prediction = fields.object("prediction");
  if (!prediction) return;
  wire::Fields inner(*prediction, "prediction.");
  const Json* content = inner.find("content");
  if (content && content->is_string()) *out = content->get<std::string>();
  if (content && content->is_array()) {
    for (const Json& part : *content) {
      const bool text = part.is_object() && part.contains("text") && part["text"].is_string();
      if (!text) inner.invalid("content", "expected a string, or parts of type text");
      if (text) *out += part["text"].get_ref<const std::string&>();
    }
  } else if (content && !content->is_string()) {
    inner.invalid("content", "expected a string, or parts of type text");
  }
  if (inner.error()) fields.fail(*inner.error());
}

// Not OpenAI's: fields that vLLM's clients send, to have the model write on an answer.
void read_prompt_end(wire::Fields& fields, ChatPrompt* out) {
  out->continue_final_message = fields.boolean("continue_final_message").value_or(false);
  const auto add = fields.boolean("add_generation_prompt");
  if (out->continue_final_message && add.value_or(false)) {
    fields.invalid("continue_final_message", "not allowed where add_generation_prompt is true");
  }
  out->add_generation_prompt = add.value_or(!out->continue_final_message);
}

}  // namespace

std::optional<wire::CallError> parse_chat_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  read_common_fields(fields, call);
  read_max_tokens(fields, call);
  read_chat_logprobs(fields, call);
  refuse_unsupported(fields);
  read_format(fields, &call->request.format);
  read_grammar_fields(fields, &call->request.format);
  call->request.reasoning.effort = fields.string("reasoning_effort").value_or("");
  read_prediction(fields, &call->request.expected_text);
  std::vector<std::string_view> known(std::begin(kKnownFields), std::end(kKnownFields));
  for (const std::string_view name : grammar_fields_of(call->request.format)) known.push_back(name);
  call->request.extra = fields.extra(known);
  ChatPrompt prompt;
  read_tools(fields, &prompt);
  read_messages(fields, &prompt);
  read_prompt_end(fields, &prompt);
  call->prompts.emplace_back(std::move(prompt));
  return fields.error();
}

}  // namespace overtake::openai
