#include "wire/anthropic/client_content.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/base64.h"
#include "wire/fields.h"

namespace overtake::anthropic {
namespace {

Json base64_source(const std::string& media_type, const std::string& bytes) {
  return {{"type", "base64"}, {"media_type", media_type}, {"data", wire::encode_base64(bytes)}};
}

Json url_source(const std::string& url) { return {{"type", "url"}, {"url", url}}; }

Json image_json(const ImagePart& image) {
  return {{"type", "image"},
          {"source", image.url.empty() ? base64_source(image.media_type, image.bytes)
                                       : url_source(image.url)}};
}

Json file_json(const FilePart& file) {
  if (!file.id.empty()) {
    const Json source = {{"type", "file"}, {"file_id", file.id}};
    if (file.media_type == "image") return {{"type", "image"}, {"source", source}};
    Json out = {{"type", "document"}, {"source", source}};
    if (!file.name.empty()) out["title"] = file.name;
    return out;
  }
  Json source;
  if (!file.url.empty()) {
    source = url_source(file.url);
  } else if (file.media_type.starts_with("text/")) {
    source = {{"type", "text"}, {"media_type", "text/plain"}, {"data", file.bytes}};
  } else {
    source = base64_source(file.media_type, file.bytes);
  }
  Json out = {{"type", "document"}, {"source", std::move(source)}};
  if (!file.name.empty()) out["title"] = file.name;
  return out;
}

void join(const Json& from, Json* into) {
  for (auto& [key, place] : into->items()) {
    const auto theirs = from.find(key);
    if (theirs != from.end() && theirs->is_object() && place.is_object()) join(*theirs, &place);
  }
  wire::add_missing(from, into);
}

bool is_systems(const Message& message) {
  return message.role == Role::kSystem || message.role == Role::kDeveloper;
}

// One block of nothing but text is a string.
Json content_json(Json blocks) {
  const bool is_plain = blocks.size() == 1 && blocks[0].size() == 2 && blocks[0]["type"] == "text";
  return is_plain ? Json(blocks[0]["text"]) : std::move(blocks);
}

}  // namespace

Error cannot_say(std::string_view what, std::string_view instead) {
  return {ErrorCode::kUnsupported,
          fmt::format("Anthropic's Messages can not express {}; request; {}", what, instead)};
}

Status ContentWriter::merge(const ExtraFields& extra, Json* into) const {
  if (extra.empty() || !is_own_) return {};
  join(TRY(parse_json(extra, "extra fields")), into);
  return {};
}

// Anthropic takes letters, digits, _ and - only, wherever an id comes from.
std::string ContentWriter::plain_id(std::string id) const {
  if (is_own_) return id;
  std::ranges::replace_if(
      id,
      [](char c) {
        return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                 c == '_' || c == '-');
      },
      '_');
  return id;
}

Result<Json> ContentWriter::call_json(const ToolCall& call) {
  Json input = Json::object();
  if (!call.arguments.empty()) {
    auto parsed = parse_json(call.arguments, "arguments");
    if (!parsed.ok() || !parsed->is_object()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the arguments of the call of \"{}\" are no JSON object; messages; "
                               "send them as the model made them",
                               call.name)};
    }
    input = std::move(*parsed);
  }
  std::string id = plain_id(call.id);
  if (id.empty()) {
    id = fmt::format("toolu_{}", n_made_ids_++);
    open_calls_.push_back({call.name, id});
  }
  Json out = {{"type", "tool_use"}, {"id", std::move(id)}, {"name", call.name}};
  out["input"] = std::move(input);
  TRY(merge(call.extra, &out));
  return out;
}

// Null for what is left out: texts of nothing, which Anthropic refuses, and thoughts that it has
// not signed.
Result<Json> ContentWriter::part_json(const ContentPart& part) {
  Json out;
  if (const auto* text = std::get_if<TextPart>(&part)) {
    if (text->text.empty() && !is_own_) return out;
    out = {{"type", "text"}, {"text", text->text}};
    TRY(merge(text->extra, &out));
  } else if (const auto* image = std::get_if<ImagePart>(&part)) {
    out = image_json(*image);
    TRY(merge(image->extra, &out));
  } else if (std::holds_alternative<AudioPart>(part)) {
    return cannot_say("audio", "send text");
  } else if (const auto* file = std::get_if<FilePart>(&part)) {
    out = file_json(*file);
    TRY(merge(file->extra, &out));
  } else if (const auto* thought = std::get_if<ReasoningPart>(&part)) {
    if (!is_own_ || (thought->signature.empty() && thought->encrypted.empty())) return out;
    if (thought->encrypted.empty()) {
      out = {{"type", "thinking"}, {"thinking", thought->text}, {"signature", thought->signature}};
    } else {
      out = {{"type", "redacted_thinking"}, {"data", thought->encrypted}};
    }
    TRY(merge(thought->extra, &out));
  } else if (const auto* refusal = std::get_if<RefusalPart>(&part)) {
    if (!refusal->text.empty()) out = {{"type", "text"}, {"text", refusal->text}};
  } else if (const auto* call = std::get_if<ToolCall>(&part)) {
    return call_json(*call);
  } else if (const auto* vendors = std::get_if<VendorPart>(&part)) {
    if (is_own_) return parse_json(vendors->extra, "block");
  }
  return out;
}

Result<Json> ContentWriter::blocks_of(const Message& message) {
  Json out = Json::array();
  for (const ContentPart& part : message.content) {
    const bool is_vendors = std::holds_alternative<VendorPart>(part);
    if (is_vendors && !is_own_ && message.role != Role::kAssistant) {
      return cannot_say("content that only another vendor's API knows", "send it as text");
    }
    Json block = TRY(part_json(part));
    if (!block.is_null()) out.push_back(std::move(block));
  }
  return out;
}

// The id of the call that a tool message answers; where its dialect has none, the oldest open one
// of that name.
std::string ContentWriter::answered_call(const Message& message) {
  if (!message.tool_call_id.empty()) return plain_id(message.tool_call_id);
  for (auto call = open_calls_.begin(); call != open_calls_.end(); ++call) {
    if (!message.name.empty() && call->name != message.name) continue;
    std::string id = std::move(call->id);
    open_calls_.erase(call);
    return id;
  }
  return {};
}

Result<Json> ContentWriter::tool_result(const Message& message) {
  Json out = {{"type", "tool_result"}, {"tool_use_id", answered_call(message)}};
  Json blocks = TRY(blocks_of(message));
  if (!blocks.empty()) out["content"] = content_json(std::move(blocks));
  if (message.tool_failed) out["is_error"] = true;
  TRY(merge(message.extra, &out));
  return out;
}

// What a conversation begins with. Anthropic's own clients mean the first message alone.
Status ContentWriter::write_system(const ChatPrompt& chat, size_t* n_taken, Json* body) {
  const size_t most = is_own_ ? 1 : chat.messages.size();
  Json blocks = Json::array();
  while (*n_taken < std::min(most, chat.messages.size())) {
    const Message& message = chat.messages[*n_taken];
    if (!is_systems(message) || (is_own_ && !message.extra.empty())) break;
    for (const ContentPart& part : message.content) {
      if (!std::holds_alternative<TextPart>(part)) {
        return cannot_say("a system message of more than text", "send the rest as the user's");
      }
    }
    for (Json& block : TRY(blocks_of(message))) blocks.push_back(std::move(block));
    ++*n_taken;
  }
  if (!blocks.empty()) (*body)["system"] = content_json(std::move(blocks));
  return {};
}

// The results of calls that were made side by side belong into one message.
Status ContentWriter::add(const Message& message, Json* messages) {
  const bool is_result = message.role == Role::kTool;
  if (is_result) {
    if (!std::exchange(in_results_, true)) {
      messages->push_back({{"role", "user"}, {"content", Json::array()}});
    }
    messages->back()["content"].push_back(TRY(tool_result(message)));
    return {};
  }
  in_results_ = false;
  Json blocks = TRY(blocks_of(message));
  if (blocks.empty() && message.role == Role::kAssistant) return {};
  Json out;
  out["role"] = is_systems(message) ? "system" : role_name(message.role);
  out["content"] = blocks.empty() ? Json("") : content_json(std::move(blocks));
  TRY(merge(message.extra, &out));
  messages->push_back(std::move(out));
  return {};
}

Status ContentWriter::write(const ChatPrompt& chat, Json* body) {
  const bool after_assistant =
      !chat.messages.empty() && chat.messages.back().role == Role::kAssistant;
  if (!is_own_ && after_assistant != chat.continue_final_message) {
    return after_assistant ? cannot_say("an answer that follows another one",
                                        "end with a user's message, or ask to continue the last")
                           : cannot_say("to go on with a message that is not the assistant's",
                                        "end with an assistant's message");
  }
  size_t n_taken = 0;
  TRY(write_system(chat, &n_taken, body));
  Json messages = Json::array();
  for (size_t i = n_taken; i < chat.messages.size(); ++i) TRY(add(chat.messages[i], &messages));
  (*body)["messages"] = std::move(messages);
  return {};
}

}  // namespace overtake::anthropic
