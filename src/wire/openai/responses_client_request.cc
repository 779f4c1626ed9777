// Writes the request of POST /responses: what parse_responses_request reads, the other way.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/fields.h"
#include "wire/openai/client.h"
#include "wire/openai/responses.h"
#include "wire/openai/responses_client.h"

namespace overtake::openai {
namespace {

constexpr const char* kEncrypted = "reasoning.encrypted_content";

// OpenAI refuses to encrypt the thoughts of models that have none. The others by their names.
bool thinks(std::string_view model) {
  if (model.find("chat") != model.npos) return false;
  if (model.size() > 1 && model[0] == 'o' && model[1] >= '1' && model[1] <= '9') return true;
  constexpr std::string_view kGpt = "gpt-";
  if (model.starts_with(kGpt) && model.size() > kGpt.size()) {
    const char version = model[kGpt.size()];
    return version >= '5' && version <= '9';
  }
  return model.starts_with("codex-") || model.starts_with("computer-use-");
}

bool is_instruction(const Message& message) {
  const auto* text =
      message.content.size() == 1 ? std::get_if<TextPart>(&message.content[0]) : nullptr;
  return message.role == Role::kSystem && text && text->extra.empty() && message.extra.empty();
}

class RequestWriter {
 public:
  explicit RequestWriter(const GenerateRequest& request)
      : request_(request), is_own_(request.dialect == kResponsesName) {}

  Result<Json> write(bool stream);
  // What the model reads, and no more.
  Result<Json> write_prompt();

 private:
  Status read_others();
  Status write_messages(const std::vector<Message>& messages, Json* body) const;
  Status write_tools(const ChatPrompt& chat, Json* body) const;
  Status write_tool_choice(const ToolChoice& choice, Json* body) const;
  Status write_text(Json* body);
  void write_reasoning(Json* body);
  void write_include(Json* body);
  Json take_other(const char* name);

  const GenerateRequest& request_;
  bool is_own_;
  Json others_ = Json::object();  // of the request, that goes back or is shared
};

Status RequestWriter::read_others() {
  ExtraFields extra;
  if (is_own_) extra = request_.extra;
  if (request_.dialect == client_dialect.name) extra = shared_with_responses(request_.extra);
  if (!extra.empty()) others_ = TRY(parse_json(extra, "extra fields"));
  return {};
}

// An object of the others', which stays one of them no longer.
Json RequestWriter::take_other(const char* name) {
  const auto at = others_.find(name);
  Json out = Json::object();
  if (at == others_.end()) return out;
  if (at->is_object()) out = std::move(*at);
  others_.erase(at);
  return out;
}

Status RequestWriter::write_messages(const std::vector<Message>& messages, Json* body) const {
  const bool instructed = messages.size() > 1 && is_instruction(messages[0]);
  if (instructed) (*body)["instructions"] = messages[0].text();
  Json& input = (*body)["input"] = Json::array();
  ItemWriter items(is_own_, &input);
  for (size_t i = instructed; i < messages.size(); ++i) TRY(items.add(messages[i]));
  return {};
}

// A schema is strict here unless the request says otherwise; in other dialects it is the other way.
Status RequestWriter::write_tools(const ChatPrompt& chat, Json* body) const {
  for (const ToolSpec& tool : chat.tools) {
    if (tool.name.empty()) {
      if (!is_own_) {
        return responses_cannot_say("a tool of another API",
                                    "leave it out, or ask for it at "
                                    "/v1/responses");
      }
      (*body)["tools"].push_back(TRY(parse_json(tool.extra, "tool")));
      continue;
    }
    Json json;
    json["type"] = "function";
    json["name"] = tool.name;
    if (!tool.description.empty()) json["description"] = tool.description;
    json["parameters"] = tool.parameters.empty()
                             ? Json{{"type", "object"}, {"properties", Json::object()}}
                             : TRY(parse_json(tool.parameters, "parameters of a tool"));
    if (tool.strict || !is_own_) json["strict"] = tool.strict.value_or(false);
    if (is_own_ && !tool.extra.empty()) {
      wire::add_missing(TRY(parse_json(tool.extra, "extra fields")), &json);
    }
    (*body)["tools"].push_back(std::move(json));
  }
  return {};
}

Status RequestWriter::write_tool_choice(const ToolChoice& choice, Json* body) const {
  using Kind = ToolChoice::Kind;
  if (choice.kind == Kind::kVendors) {
    if (!is_own_) return responses_cannot_say("another API's choice of tools", "leave it out");
    (*body)["tool_choice"] = TRY(parse_json(choice.extra, "tool_choice"));
  } else if (choice.kind == Kind::kNamed) {
    (*body)["tool_choice"] = {{"type", "function"}, {"name", choice.name}};
  } else if (choice.kind != Kind::kAuto) {
    (*body)["tool_choice"] = choice.kind == Kind::kNone ? "none" : "required";
  }
  if (choice.parallel) (*body)["parallel_tool_calls"] = *choice.parallel;
  return {};
}

Status RequestWriter::write_text(Json* body) {
  const OutputFormat& format = request_.format;
  Json out = take_other("text");
  if (format.kind == OutputFormat::Kind::kJson) {
    out["format"] = {{"type", "json_object"}};
  } else if (format.kind == OutputFormat::Kind::kJsonSchema) {
    Json& inner = out["format"] = {{"type", "json_schema"}};
    inner["name"] = format.name.empty() ? "answer" : format.name;
    if (!format.description.empty()) inner["description"] = format.description;
    inner["schema"] =
        format.schema.empty() ? Json::object() : TRY(parse_json(format.schema, "schema"));
    if (format.strict) inner["strict"] = *format.strict;
  }
  if (!out.empty()) (*body)["text"] = std::move(out);
  return {};
}

// What is told of a model's thoughts has to be asked for. Clients of other vendors that say so want
// it; those that do not get it as their vendors would give it.
void RequestWriter::write_reasoning(Json* body) {
  Json out = take_other("reasoning");
  const std::string effort = effort_of(request_.reasoning);
  if (!effort.empty()) out["effort"] = effort;
  if (!is_own_ && request_.reasoning.shown == true) out["summary"] = "auto";
  if (!out.empty()) (*body)["reasoning"] = std::move(out);
}

// The thoughts come back encrypted, as nothing is kept at OpenAI that the next request could name.
void RequestWriter::write_include(Json* body) {
  Json include = Json::array();
  const auto add = [&](const Json& name) {
    if (std::ranges::find(include, name) == include.end()) include.push_back(name);
  };
  const auto asked = others_.find("include");
  if (asked != others_.end()) {
    for (const Json& name : *asked) add(name);
    others_.erase(asked);
  }
  if (thinks(request_.model)) add(kEncrypted);
  if (request_.top_logprobs >= 0) add("message.output_text.logprobs");
  if (!include.empty()) (*body)["include"] = std::move(include);
}

Result<Json> RequestWriter::write_prompt() {
  const auto* chat = std::get_if<ChatPrompt>(&request_.prompt);
  if (!chat) return responses_cannot_say("a prompt without messages", "send chat messages");
  if (chat->continue_final_message) {
    return responses_cannot_say("an answer that is begun", "send whole messages");
  }
  TRY(read_others());
  Json body;
  body["model"] = request_.model;
  TRY(write_messages(chat->messages, &body));
  TRY(write_tools(*chat, &body));
  TRY(write_tool_choice(chat->tool_choice, &body));
  TRY(write_text(&body));
  write_reasoning(&body);
  return body;
}

Result<Json> RequestWriter::write(bool stream) {
  Json body = TRY(write_prompt());
  write_include(&body);
  if (request_.sampling.temperature) body["temperature"] = *request_.sampling.temperature;
  if (request_.sampling.top_p) body["top_p"] = *request_.sampling.top_p;
  if (request_.max_tokens) body["max_output_tokens"] = *request_.max_tokens;
  if (request_.top_logprobs > 0) body["top_logprobs"] = request_.top_logprobs;
  if (!request_.end_user.empty()) body["user"] = request_.end_user;
  if (stream) body["stream"] = true;
  wire::add_missing(others_, &body);
  // OpenAI keeps what is not refused; what was said is kept here, where it is to be kept.
  if (!body.contains("store") || !body["store"].is_boolean()) body["store"] = false;
  return body;
}

bool asks_for_more(const ExtraFields& extra) {
  if (extra.empty()) return false;
  const auto others = parse_json(extra, "extra fields");
  if (!others.ok()) return false;
  if (others->contains("reasoning") || others->value("truncation", Json()) == "auto") return true;
  const auto include = others->find("include");
  return include != others->end() && std::ranges::find(*include, kEncrypted) != include->end();
}

bool needs_responses(const ChatPrompt& chat, bool is_own) {
  for (const Message& message : chat.messages) {
    for (const ContentPart& part : message.content) {
      const auto* file = std::get_if<FilePart>(&part);
      if (file && !file->url.empty()) return true;
      const bool is_seen = file || std::holds_alternative<ImagePart>(part);
      if (message.role == Role::kTool && is_seen) return true;
      const auto* thought = std::get_if<ReasoningPart>(&part);
      if (is_own && thought && !thought->encrypted.empty()) return true;
      if (is_own && std::holds_alternative<VendorPart>(part)) return true;
    }
  }
  if (!is_own) return false;
  return chat.tool_choice.kind == ToolChoice::Kind::kVendors ||
         std::ranges::any_of(chat.tools, [](const ToolSpec& tool) { return tool.name.empty(); });
}

}  // namespace

bool needs_responses(const GenerateRequest& request) {
  const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  if (!chat) return false;
  const bool is_own = request.dialect == kResponsesName;
  return needs_responses(*chat, is_own) || (is_own && asks_for_more(request.extra));
}

Result<wire::Outgoing> write_responses_request(const GenerateRequest& request, bool stream) {
  const Json body = TRY(RequestWriter(request).write(stream));
  return wire::Outgoing{"/responses",
                        {{"Content-Type", "application/json"},
                         {"Accept", stream ? "text/event-stream" : "application/json"}},
                        dump_json(body)};
}

Result<wire::Outgoing> write_count_request(const GenerateRequest& request) {
  const Json body = TRY(RequestWriter(request).write_prompt());
  return wire::Outgoing{"/responses/input_tokens",
                        {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                        dump_json(body)};
}

}  // namespace overtake::openai
