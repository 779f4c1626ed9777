// Writes the request of POST /v1/messages: what parse_messages_request reads, the other way.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "wire/anthropic/client.h"
#include "wire/anthropic/client_content.h"
#include "wire/anthropic/dialect.h"

namespace overtake::anthropic {
namespace {

constexpr int64_t kRoomBehindThought = 8192;  // tokens for the answer

class RequestWriter {
 public:
  explicit RequestWriter(const GenerateRequest& request)
      : request_(request), content_(request.dialect == kDialectName) {}

  Result<Json> write(bool stream);
  // All that has a part in the prompt's length.
  Result<Json> write_prompt();

 private:
  bool is_own() const { return request_.dialect == kDialectName; }
  Status write_tools(const ChatPrompt& chat, Json* body) const;
  void write_tool_choice(const ChatPrompt& chat, Json* body) const;
  void write_thinking(Json* body) const;
  Status write_output(Json* body) const;
  Status write_sampling(Json* body) const;
  int64_t default_limit() const;

  const GenerateRequest& request_;
  ContentWriter content_;
};

Status RequestWriter::write_tools(const ChatPrompt& chat, Json* body) const {
  for (const ToolSpec& tool : chat.tools) {
    if (tool.name.empty()) {
      if (!is_own()) return cannot_say("another vendor's own tools", "leave them out");
      (*body)["tools"].push_back(TRY(parse_json(tool.extra, "tool")));
      continue;
    }
    Json json;
    json["name"] = tool.name;
    if (!tool.description.empty()) json["description"] = tool.description;
    json["input_schema"] = tool.parameters.empty()
                               ? Json{{"type", "object"}, {"properties", Json::object()}}
                               : TRY(parse_json(tool.parameters, "parameters of a tool"));
    if (tool.strict) json["strict"] = *tool.strict;
    TRY(content_.merge(tool.extra, &json));
    (*body)["tools"].push_back(std::move(json));
  }
  return {};
}

// Without tools, Anthropic refuses a choice; one that asks for nothing is none.
void RequestWriter::write_tool_choice(const ChatPrompt& chat, Json* body) const {
  const ToolChoice& choice = chat.tool_choice;
  using Kind = ToolChoice::Kind;
  const bool asks = choice.kind == Kind::kRequired || choice.kind == Kind::kNamed;
  if (!asks && chat.tools.empty()) return;
  if (choice.kind == Kind::kAuto && !choice.parallel) return;
  Json& out = (*body)["tool_choice"];
  out["type"] = choice.kind == Kind::kNone       ? "none"
                : choice.kind == Kind::kRequired ? "any"
                : choice.kind == Kind::kNamed    ? "tool"
                                                 : "auto";
  if (choice.kind == Kind::kNamed) out["name"] = choice.name;
  if (choice.parallel && choice.kind != Kind::kNone) {
    out["disable_parallel_tool_use"] = !*choice.parallel;
  }
}

void RequestWriter::write_thinking(Json* body) const {
  const ReasoningParams& reasoning = request_.reasoning;
  Json out;
  if (reasoning.enabled == false || reasoning.budget_tokens == 0 || reasoning.effort == "none") {
    out["type"] = "disabled";
  } else if (reasoning.budget_tokens) {
    out["type"] = "enabled";
    out["budget_tokens"] = *reasoning.budget_tokens;
  } else if (reasoning.enabled) {
    out["type"] = "adaptive";
  } else {
    return;  // as the model does by itself
  }
  if (reasoning.shown && out["type"] != "disabled") {
    out["display"] = *reasoning.shown ? "summarized" : "omitted";
  }
  (*body)["thinking"] = std::move(out);
}

Status RequestWriter::write_output(Json* body) const {
  const OutputFormat& format = request_.format;
  if (format.kind == OutputFormat::Kind::kJson) {
    return cannot_say("JSON of any form", "give a JSON schema");
  }
  const std::string& effort = request_.reasoning.effort;
  if (!effort.empty() && effort != "none") {
    (*body)["output_config"]["effort"] = effort == "minimal" ? "low" : effort;
  }
  if (format.kind == OutputFormat::Kind::kJsonSchema) {
    if (format.schema.empty()) return cannot_say("a JSON schema that is not there", "give it");
    Json schema = TRY(parse_json(format.schema, "schema"));  // in the braces, g++ 12 would leak
    (*body)["output_config"]["format"] = {{"type", "json_schema"}, {"schema", std::move(schema)}};
  }
  return {};
}

Status RequestWriter::write_sampling(Json* body) const {
  const SamplingParams& sampling = request_.sampling;
  if (sampling.temperature.value_or(0) > 1) {
    return cannot_say("a temperature above 1", "give one from 0 to 1");
  }
  if (sampling.temperature) (*body)["temperature"] = *sampling.temperature;
  if (sampling.top_p) (*body)["top_p"] = *sampling.top_p;
  if (sampling.top_k.value_or(0) > 0) (*body)["top_k"] = *sampling.top_k;
  if (!request_.stop.empty()) (*body)["stop_sequences"] = request_.stop;
  return {};
}

// What is thought counts as well, and its budget has to be below the limit.
int64_t RequestWriter::default_limit() const {
  const int64_t budget = request_.reasoning.budget_tokens.value_or(0);
  return budget < kDefaultMaxTokens ? kDefaultMaxTokens : budget + kRoomBehindThought;
}

Result<Json> RequestWriter::write_prompt() {
  const auto* chat = std::get_if<ChatPrompt>(&request_.prompt);
  if (!chat) return cannot_say("a prompt without messages", "send chat messages");
  Json body;
  body["model"] = request_.model;
  TRY(content_.write(*chat, &body));
  TRY(write_tools(*chat, &body));
  if (chat->tool_choice.kind == ToolChoice::Kind::kVendors) {
    return cannot_say("another vendor's choice among its tools", "leave it out");
  }
  write_tool_choice(*chat, &body);
  write_thinking(&body);
  TRY(write_output(&body));
  return body;
}

Result<Json> RequestWriter::write(bool stream) {
  Json body = TRY(write_prompt());
  body["max_tokens"] = request_.max_tokens.value_or(default_limit());
  TRY(write_sampling(&body));
  if (!request_.end_user.empty()) body["metadata"]["user_id"] = request_.end_user;
  if (stream) body["stream"] = true;
  TRY(content_.merge(request_.extra, &body));
  return body;
}

wire::Outgoing outgoing(std::string path, bool stream, const GenerateRequest& request,
                        const Json& body) {
  wire::Outgoing out = {std::move(path),
                        {{"Content-Type", "application/json"},
                         {"Accept", stream ? "text/event-stream" : "application/json"},
                         {std::string(kVersionHeader), std::string(kVersion)}},
                        dump_json(body)};
  if (request.dialect == kDialectName && !request.betas.empty()) {
    out.headers.push_back(
        {std::string(kBetasHeader), fmt::format("{}", fmt::join(request.betas, ","))});
  }
  return out;
}

}  // namespace

Result<wire::Outgoing> write_messages_request(const GenerateRequest& request, bool stream) {
  return outgoing("/v1/messages", stream, request, TRY(RequestWriter(request).write(stream)));
}

Result<wire::Outgoing> write_count_request(const GenerateRequest& request) {
  Json body = TRY(RequestWriter(request).write_prompt());
  TRY(ContentWriter(request.dialect == kDialectName).merge(request.extra, &body));
  return outgoing("/v1/messages/count_tokens", false, request, body);
}

}  // namespace overtake::anthropic
