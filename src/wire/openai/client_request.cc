// Writes the request of POST /chat/completions: what parse_chat_request reads, the other way.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "wire/base64.h"
#include "wire/fields.h"
#include "wire/openai/call_ids.h"
#include "wire/openai/client.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

Error cannot_say(std::string_view what, std::string_view instead) {
  return {ErrorCode::kUnsupported,
          fmt::format("OpenAI's chat completions can not express {}; request; {}", what, instead)};
}

class RequestWriter {
 public:
  RequestWriter(const GenerateRequest& request, bool compatible)
      : request_(request), compatible_(compatible) {}

  Result<Json> write(bool stream);

 private:
  // Members that came from this dialect go back into it, never over one that is written already.
  Status merge(const ExtraFields& extra, Json* into) const;
  static Status merge_members(const ExtraFields& extra, Json* into);
  Result<Json> part_json(const ContentPart& part) const;
  Result<Json> content_json(const Message& message) const;
  Result<Json> message_json(const Message& message);
  Status write_messages(const std::vector<Message>& from, Json* out);
  Status write_calls(const Message& message, Json* out);
  Status write_tools(const ChatPrompt& chat, Json* body) const;
  static Status write_tool_choice(const ToolChoice& choice, Json* body);
  Status write_format(Json* body) const;
  void write_sampling(Json* body) const;
  void write_reasoning(Json* body) const;

  const GenerateRequest& request_;
  bool compatible_;
  CallIds ids_;
};

Status RequestWriter::merge(const ExtraFields& extra, Json* into) const {
  return request_.dialect == client_dialect.name ? merge_members(extra, into) : Status();
}

Status RequestWriter::merge_members(const ExtraFields& extra, Json* into) {
  if (extra.empty()) return {};
  wire::add_missing(TRY(parse_json(extra, "extra fields")), into);
  return {};
}

Result<Json> RequestWriter::part_json(const ContentPart& part) const {
  Json out;
  if (const auto* text = std::get_if<TextPart>(&part)) {
    out = {{"type", "text"}, {"text", text->text}};
    TRY(merge(text->extra, &out));
  } else if (const auto* image = std::get_if<ImagePart>(&part)) {
    Json inner;
    inner["url"] =
        image->url.empty() ? wire::make_data_url(image->media_type, image->bytes) : image->url;
    if (!image->detail.empty()) inner["detail"] = image->detail;
    out = {{"type", "image_url"}, {"image_url", std::move(inner)}};
    TRY(merge(image->extra, &out));
  } else if (const auto* audio = std::get_if<AudioPart>(&part)) {
    const Json inner = {{"data", wire::encode_base64(audio->bytes)}, {"format", audio->format}};
    out = {{"type", "input_audio"}, {"input_audio", inner}};
    TRY(merge(audio->extra, &out));
  } else if (const auto* file = std::get_if<FilePart>(&part)) {
    if (!file->url.empty()) return cannot_say("a file by its URL", "send its bytes");
    Json inner = Json::object();
    if (!file->name.empty()) inner["filename"] = file->name;
    if (!file->id.empty()) inner["file_id"] = file->id;
    if (file->id.empty()) inner["file_data"] = wire::make_data_url(file->media_type, file->bytes);
    out = {{"type", "file"}, {"file", std::move(inner)}};
    TRY(merge(file->extra, &out));
  } else if (const auto* refusal = std::get_if<RefusalPart>(&part)) {
    out = {{"type", "refusal"}, {"refusal", refusal->text}};
  }
  return out;
}

Result<Json> RequestWriter::content_json(const Message& message) const {
  Json parts = Json::array();
  for (const ContentPart& part : message.content) {
    // Reasoning: see message_json. Calls stand beside the content, after it.
    if (std::holds_alternative<ReasoningPart>(part) || std::holds_alternative<ToolCall>(part)) {
      continue;
    }
    if (std::holds_alternative<VendorPart>(part)) {
      if (message.role == Role::kAssistant) continue;
      return cannot_say("content that only another vendor's API knows", "send it as text");
    }
    parts.push_back(TRY(part_json(part)));
  }
  if (parts.empty()) return message.tool_calls().empty() ? Json("") : Json(nullptr);
  const bool is_plain = parts.size() == 1 && parts[0].size() == 2 && parts[0]["type"] == "text";
  if (is_plain) return Json(parts[0]["text"]);
  return parts;
}

Status RequestWriter::write_calls(const Message& message, Json* out) {
  for (const ToolCall* call : message.tool_calls()) {
    Json json = {{"id", ids_.id_of(*call)}, {"type", "function"}};
    json["function"] = {{"name", call->name}, {"arguments", call->arguments}};
    TRY(merge(call->extra, &json));
    (*out)["tool_calls"].push_back(std::move(json));
  }
  return {};
}

Result<Json> RequestWriter::message_json(const Message& message) {
  Json out;
  out["role"] = role_name(message.role);
  out["content"] = TRY(content_json(message));
  // OpenAI has no name for a tool's result; other dialects have one instead of an id.
  const bool is_own = request_.dialect == client_dialect.name;
  if (!message.name.empty() && (is_own || message.role != Role::kTool)) out["name"] = message.name;
  if (message.role == Role::kTool) out["tool_call_id"] = ids_.answered_by(message);
  // OpenAI's own servers refuse what a model has thought; those that show it take it back.
  std::string thought;
  for (const ContentPart& part : message.content) {
    if (const auto* reasoning = std::get_if<ReasoningPart>(&part)) thought += reasoning->text;
  }
  if (compatible_ && !thought.empty()) out["reasoning_content"] = std::move(thought);
  TRY(write_calls(message, &out));
  TRY(merge(message.extra, &out));
  return out;
}

// A message with calls must be followed by their results: what the assistant says after a call
// and before the results joins the message.
Status RequestWriter::write_messages(const std::vector<Message>& from, Json* out) {
  for (size_t i = 0; i < from.size();) {
    size_t end = i + 1;
    const bool calls = from[i].role == Role::kAssistant && !from[i].tool_calls().empty();
    while (calls && end < from.size() && from[end].role == Role::kAssistant) ++end;
    if (end == i + 1) {
      out->push_back(TRY(message_json(from[i])));
    } else {
      Message joined = from[i];
      for (size_t j = i + 1; j < end; ++j) {
        joined.content.insert(joined.content.end(), from[j].content.begin(), from[j].content.end());
      }
      out->push_back(TRY(message_json(joined)));
    }
    i = end;
  }
  return {};
}

Status RequestWriter::write_tools(const ChatPrompt& chat, Json* body) const {
  for (const ToolSpec& tool : chat.tools) {
    if (tool.name.empty()) {
      if (request_.dialect != client_dialect.name) {
        return cannot_say("another vendor's own tools", "leave them out");
      }
      Json vendors = TRY(parse_json(tool.extra, "tool"));
      const auto search = vendors.find("web_search_options");
      if (search != vendors.end()) {
        (*body)["web_search_options"] = *search;
      } else {
        (*body)["tools"].push_back(std::move(vendors));
      }
      continue;
    }
    Json function;
    function["name"] = tool.name;
    if (!tool.description.empty()) function["description"] = tool.description;
    if (!tool.parameters.empty()) {
      function["parameters"] = TRY(parse_json(tool.parameters, "parameters of a tool"));
    }
    if (tool.strict) function["strict"] = *tool.strict;
    Json json = {{"type", "function"}, {"function", std::move(function)}};
    TRY(merge(tool.extra, &json));
    (*body)["tools"].push_back(std::move(json));
  }
  return {};
}

Status RequestWriter::write_tool_choice(const ToolChoice& choice, Json* body) {
  switch (choice.kind) {
    case ToolChoice::Kind::kAuto:
      break;
    case ToolChoice::Kind::kNone:
      (*body)["tool_choice"] = "none";
      break;
    case ToolChoice::Kind::kRequired:
      (*body)["tool_choice"] = "required";
      break;
    case ToolChoice::Kind::kNamed:
      (*body)["tool_choice"] = {{"type", "function"}, {"function", {{"name", choice.name}}}};
      break;
    case ToolChoice::Kind::kVendors:
      return cannot_say("this choice among tools", "choose one function, or leave it out");
  }
  if (choice.parallel) (*body)["parallel_tool_calls"] = *choice.parallel;
  return {};
}

Status RequestWriter::write_format(Json* body) const {
  const OutputFormat& format = request_.format;
  if (format.kind == OutputFormat::Kind::kJson) {
    (*body)["response_format"] = {{"type", "json_object"}};
  } else if (format.kind == OutputFormat::Kind::kJsonSchema) {
    Json inner;
    inner["name"] = format.name.empty() ? "answer" : format.name;  // OpenAI wants one
    if (!format.description.empty()) inner["description"] = format.description;
    if (!format.schema.empty()) inner["schema"] = TRY(parse_json(format.schema, "schema"));
    if (format.strict) inner["strict"] = *format.strict;
    (*body)["response_format"] = {{"type", "json_schema"}, {"json_schema", std::move(inner)}};
  }
  return {};
}

void RequestWriter::write_sampling(Json* body) const {
  const SamplingParams& sampling = request_.sampling;
  Json& out = *body;
  if (sampling.temperature) out["temperature"] = *sampling.temperature;
  if (sampling.top_p) out["top_p"] = *sampling.top_p;
  if (sampling.presence_penalty != 0) out["presence_penalty"] = sampling.presence_penalty;
  if (sampling.frequency_penalty != 0) out["frequency_penalty"] = sampling.frequency_penalty;
  if (sampling.seed) out["seed"] = static_cast<int64_t>(*sampling.seed);
  for (const auto& [id, bias] : sampling.logit_bias) {
    out["logit_bias"][std::to_string(id)] = bias;
  }
  if (!compatible_) return;
  if (sampling.top_k) out["top_k"] = *sampling.top_k;
  if (sampling.min_p) out["min_p"] = *sampling.min_p;
  if (sampling.repetition_penalty) out["repetition_penalty"] = *sampling.repetition_penalty;
  if (request_.ignore_end) out["ignore_eos"] = true;
}

void RequestWriter::write_reasoning(Json* body) const {
  const std::string effort = effort_of(request_.reasoning);
  if (!effort.empty()) (*body)["reasoning_effort"] = effort;
}

Result<Json> RequestWriter::write(bool stream) {
  const auto* chat = std::get_if<ChatPrompt>(&request_.prompt);
  if (!chat) return cannot_say("a prompt without messages", "send chat messages");
  Json body;
  body["model"] = request_.model;
  Json& messages = body["messages"] = Json::array();
  TRY(write_messages(chat->messages, &messages));
  TRY(write_tools(*chat, &body));
  TRY(write_tool_choice(chat->tool_choice, &body));
  TRY(write_format(&body));
  write_sampling(&body);
  write_reasoning(&body);
  if (request_.max_tokens) {
    // OpenAI's reasoning models refuse the old name, some imitators do not know the new one.
    body[compatible_ ? "max_tokens" : "max_completion_tokens"] = *request_.max_tokens;
  }
  if (!request_.stop.empty()) body["stop"] = request_.stop;
  if (request_.top_logprobs >= 0) body["logprobs"] = true;
  if (request_.top_logprobs > 0) body["top_logprobs"] = request_.top_logprobs;
  if (!request_.end_user.empty()) body["user"] = request_.end_user;
  if (chat->continue_final_message) {
    if (!compatible_) return cannot_say("an answer that is begun", "send whole messages");
    body["continue_final_message"] = true;
  }
  if (compatible_ && chat->add_generation_prompt == chat->continue_final_message) {
    body["add_generation_prompt"] = chat->add_generation_prompt;
  }
  if (stream) body["stream"] = true;
  if (stream) body["stream_options"] = {{"include_usage", true}};
  if (request_.dialect == kResponsesName) {
    TRY(merge_members(shared_with_chat(request_.extra), &body));
  }
  TRY(merge(request_.extra, &body));
  return body;
}

Result<wire::Outgoing> write_for(const GenerateRequest& request, bool stream, bool compatible) {
  const Json body = TRY(RequestWriter(request, compatible).write(stream));
  return wire::Outgoing{"/chat/completions",
                        {{"Content-Type", "application/json"},
                         {"Accept", stream ? "text/event-stream" : "application/json"}},
                        dump_json(body)};
}

}  // namespace

std::string effort_of(const ReasoningParams& reasoning) {
  constexpr int64_t kLow = 2048, kMedium = 8192;
  if (!reasoning.effort.empty() || !reasoning.budget_tokens) return reasoning.effort;
  const int64_t budget = *reasoning.budget_tokens;
  return budget <= kLow ? "low" : budget <= kMedium ? "medium" : "high";
}

Result<wire::Outgoing> write_chat_request(const GenerateRequest& request, bool stream) {
  return write_for(request, stream, false);
}

Result<wire::Outgoing> write_compatible_request(const GenerateRequest& request, bool stream) {
  return write_for(request, stream, true);
}

}  // namespace overtake::openai
