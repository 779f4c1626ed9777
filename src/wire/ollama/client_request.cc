// Writes the requests of Ollama's chat and generate: what parse_chat_request and
// parse_generate_request read, the other way.
#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "wire/base64.h"
#include "wire/fields.h"
#include "wire/ollama/client.h"

namespace overtake::ollama {
namespace {

Error cannot_say(std::string_view what, std::string_view instead) {
  return {ErrorCode::kUnsupported,
          fmt::format("Ollama can not be told {}; request; {}", what, instead)};
}

class RequestWriter {
 public:
  explicit RequestWriter(const GenerateRequest& request) : request_(request) {}

  Result<Json> write(bool stream);

 private:
  bool is_own() const { return request_.dialect == client_dialect.name; }
  // Members that came from this dialect go back into it, never over one that is written already.
  Status merge(const ExtraFields& extra, Json* into) const;
  Status write_chat(const ChatPrompt& chat, Json* body);
  Result<Json> message_json(const Message& message);
  Result<Json> calls_json(const Message& message);
  Status write_tools(const ChatPrompt& chat, Json* body) const;
  Status write_format(Json* body) const;
  Json options_json() const;
  void write_think(Json* body) const;

  const GenerateRequest& request_;
  std::map<std::string, std::string> tool_names_;  // by the ids of calls
};

Status RequestWriter::merge(const ExtraFields& extra, Json* into) const {
  if (extra.empty() || !is_own()) return {};
  wire::add_missing(TRY(parse_json(extra, "extra fields")), into);
  return {};
}

Result<Json> RequestWriter::calls_json(const Message& message) {
  Json out = Json::array();
  for (const ToolCall* call : message.tool_calls()) {
    const std::string& text = call->arguments;
    Json arguments =
        text.empty() ? Json::object() : TRY(parse_json(text, "arguments of a tool call"));
    if (!arguments.is_object()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("arguments that are no JSON object; tool call {}; Ollama takes "
                               "nothing else",
                               call->name)};
    }
    Json json = Json::object();
    if (!call->id.empty()) {
      json["id"] = call->id;
      tool_names_[call->id] = call->name;
    }
    json["function"] = {{"index", static_cast<int>(out.size())},
                        {"name", call->name},
                        {"arguments", std::move(arguments)}};
    TRY(merge(call->extra, &json));
    out.push_back(std::move(json));
  }
  return out;
}

// Content is one text here, with the images beside it and the thoughts before it.
Result<Json> RequestWriter::message_json(const Message& message) {
  std::string text, thought;
  Json images = Json::array();
  for (const ContentPart& part : message.content) {
    if (const auto* piece = std::get_if<TextPart>(&part)) {
      text += piece->text;
    } else if (const auto* refusal = std::get_if<RefusalPart>(&part)) {
      text += refusal->text;
    } else if (const auto* reasoning = std::get_if<ReasoningPart>(&part)) {
      thought += reasoning->text;
    } else if (const auto* image = std::get_if<ImagePart>(&part)) {
      if (!image->url.empty()) return cannot_say("an image by its URL", "send its bytes");
      images.push_back(wire::encode_base64(image->bytes));
    }
  }
  Json out;
  const bool is_developer = message.role == Role::kDeveloper;  // Ollama's is the system
  out["role"] = role_name(is_developer ? Role::kSystem : message.role);
  out["content"] = std::move(text);
  if (!thought.empty()) out["thinking"] = std::move(thought);
  if (!images.empty()) out["images"] = std::move(images);
  Json calls = TRY(calls_json(message));
  if (!calls.empty()) out["tool_calls"] = std::move(calls);
  if (message.role == Role::kTool) {
    const auto call = tool_names_.find(message.tool_call_id);
    const std::string& name =
        message.name.empty() && call != tool_names_.end() ? call->second : message.name;
    if (!name.empty()) out["tool_name"] = name;
    if (!message.tool_call_id.empty()) out["tool_call_id"] = message.tool_call_id;
  }
  TRY(merge(message.extra, &out));
  return out;
}

Status RequestWriter::write_tools(const ChatPrompt& chat, Json* body) const {
  // There is no word for "call none of them", so they are not shown.
  if (chat.tools.empty() || chat.tool_choice.kind == ToolChoice::Kind::kNone) return {};
  if (chat.tool_choice.parallel == false) {
    return cannot_say("to make one tool call at a time", "allow parallel ones");
  }
  for (const ToolSpec& tool : chat.tools) {
    Json function;
    function["name"] = tool.name;
    if (!tool.description.empty()) function["description"] = tool.description;
    if (!tool.parameters.empty()) {
      function["parameters"] = TRY(parse_json(tool.parameters, "parameters of a tool"));
    }
    Json json = {{"type", "function"}, {"function", std::move(function)}};
    TRY(merge(tool.extra, &json));
    (*body)["tools"].push_back(std::move(json));
  }
  return {};
}

Status RequestWriter::write_chat(const ChatPrompt& chat, Json* body) {
  if (chat.continue_final_message || !chat.add_generation_prompt) {
    return cannot_say("where an answer begins", "send whole messages");
  }
  Json& messages = (*body)["messages"] = Json::array();
  for (const Message& message : chat.messages) messages.push_back(TRY(message_json(message)));
  return write_tools(chat, body);
}

Status RequestWriter::write_format(Json* body) const {
  const OutputFormat& format = request_.format;
  const bool has_schema = format.kind == OutputFormat::Kind::kJsonSchema && !format.schema.empty();
  if (has_schema) {
    (*body)["format"] = TRY(parse_json(format.schema, "schema"));
  } else if (format.kind != OutputFormat::Kind::kText) {
    (*body)["format"] = "json";
  }
  return {};
}

Json RequestWriter::options_json() const {
  const SamplingParams& sampling = request_.sampling;
  Json out = Json::object();
  if (sampling.temperature) out["temperature"] = *sampling.temperature;
  if (sampling.top_k) out["top_k"] = *sampling.top_k;
  if (sampling.top_p) out["top_p"] = *sampling.top_p;
  if (sampling.min_p) out["min_p"] = *sampling.min_p;
  if (sampling.seed) out["seed"] = static_cast<int64_t>(*sampling.seed);
  if (sampling.repetition_penalty) out["repeat_penalty"] = *sampling.repetition_penalty;
  if (sampling.presence_penalty != 0) out["presence_penalty"] = sampling.presence_penalty;
  if (sampling.frequency_penalty != 0) out["frequency_penalty"] = sampling.frequency_penalty;
  const bool has_penalty = sampling.repetition_penalty.value_or(1) != 1 ||
                           sampling.presence_penalty != 0 || sampling.frequency_penalty != 0;
  // Elsewhere penalties count the whole text; Ollama's only the last 64 tokens unless told.
  if (has_penalty && !is_own()) out["repeat_last_n"] = -1;
  if (request_.max_tokens) out["num_predict"] = *request_.max_tokens;
  if (!request_.stop.empty()) out["stop"] = request_.stop;
  return out;
}

// Ollama knows three levels: a budget becomes the one that its size suggests, others the nearest.
void RequestWriter::write_think(Json* body) const {
  constexpr int64_t kLow = 2048, kMedium = 8192;
  const ReasoningParams& reasoning = request_.reasoning;
  const std::string& effort = reasoning.effort;
  Json& think = (*body)["think"];
  if (reasoning.enabled == false || effort == "none" || reasoning.budget_tokens == 0) {
    think = false;
  } else if (effort == "low" || effort == "minimal") {
    think = "low";
  } else if (!effort.empty()) {
    think = effort == "medium" ? "medium" : "high";
  } else if (reasoning.budget_tokens && *reasoning.budget_tokens > 0) {
    const int64_t budget = *reasoning.budget_tokens;
    think = budget <= kLow ? "low" : budget <= kMedium ? "medium" : "high";
  } else if (reasoning.enabled) {
    think = true;
  } else {
    body->erase("think");
  }
}

Result<Json> RequestWriter::write(bool stream) {
  Json body;
  body["model"] = request_.model;
  if (const auto* text = std::get_if<TextPrompt>(&request_.prompt)) {
    body["prompt"] = text->text;
    body["raw"] = true;
  } else if (const auto* chat = std::get_if<ChatPrompt>(&request_.prompt)) {
    TRY(write_chat(*chat, &body));
  } else {
    return cannot_say("a prompt of token ids", "send its text");
  }
  body["stream"] = stream;  // which Ollama does unless told
  TRY(write_format(&body));
  write_think(&body);
  if (request_.top_logprobs >= 0) body["logprobs"] = true;
  if (request_.top_logprobs > 0) body["top_logprobs"] = request_.top_logprobs;
  Json options = options_json();
  if (is_own() && !request_.extra.empty()) {
    const Json extra = TRY(parse_json(request_.extra, "extra fields"));
    if (extra.contains("options")) TRY(merge(dump_json(extra["options"]), &options));
  }
  if (!options.empty()) body["options"] = std::move(options);
  TRY(merge(request_.extra, &body));
  return body;
}

}  // namespace

Result<wire::Outgoing> write_request(const GenerateRequest& request, bool stream) {
  const Json body = TRY(RequestWriter(request).write(stream));
  const bool is_chat = std::holds_alternative<ChatPrompt>(request.prompt);
  return wire::Outgoing{is_chat ? "/api/chat" : "/api/generate",
                        {{"Content-Type", "application/json"},
                         {"Accept", stream ? "application/x-ndjson" : "application/json"}},
                        dump_json(body)};
}

}  // namespace overtake::ollama
