// Messages as the input items of a Responses request.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "wire/base64.h"
#include "wire/fields.h"
#include "wire/openai/responses_client.h"

namespace overtake::openai {

Error responses_cannot_say(std::string_view what, std::string_view instead) {
  return {ErrorCode::kUnsupported,
          fmt::format("OpenAI's Responses can not express {}; request; {}", what, instead)};
}

Status ItemWriter::merge(const ExtraFields& extra, Json* into) const {
  if (!is_own_ || extra.empty()) return {};
  wire::add_missing(TRY(parse_json(extra, "extra fields")), into);
  return {};
}

// A part of what anybody but the assistant says, or of a tool's output.
Result<Json> ItemWriter::input_part(const ContentPart& part) const {
  Json out;
  if (const auto* text = std::get_if<TextPart>(&part)) {
    out = {{"type", "input_text"}, {"text", text->text}};
    TRY(merge(text->extra, &out));
  } else if (const auto* refusal = std::get_if<RefusalPart>(&part)) {
    out = {{"type", "input_text"}, {"text", refusal->text}};
  } else if (const auto* image = std::get_if<ImagePart>(&part)) {
    out["type"] = "input_image";
    out["image_url"] =
        image->url.empty() ? wire::make_data_url(image->media_type, image->bytes) : image->url;
    out["detail"] = image->detail.empty() ? "auto" : image->detail;
    TRY(merge(image->extra, &out));
  } else if (const auto* file = std::get_if<FilePart>(&part)) {
    out["type"] = "input_file";
    if (!file->name.empty()) out["filename"] = file->name;
    if (!file->id.empty()) {
      out["file_id"] = file->id;
    } else if (!file->url.empty()) {
      out["file_url"] = file->url;
    } else {
      out["file_data"] = wire::make_data_url(file->media_type, file->bytes);
    }
    TRY(merge(file->extra, &out));
  } else {
    return responses_cannot_say("sound", "send text");
  }
  return out;
}

bool is_plain_text(const std::vector<Json>& parts) {
  return parts.size() == 1 && parts[0].size() == 2 && parts[0]["type"] == "input_text";
}

// What an assistant said is one text: parts of its own would need the ids of items that lie at
// OpenAI.
Status ItemWriter::end_message(const Message& message) {
  if (parts_.empty() && !has_said_) return {};
  Json item = {{"type", "message"}, {"role", role_name(message.role)}};
  const std::vector<Json> parts = std::exchange(parts_, {});
  if (std::exchange(has_said_, false)) {
    item["content"] = std::exchange(said_, {});
  } else if (is_plain_text(parts)) {
    item["content"] = parts[0]["text"];
  } else {
    item["content"] = parts;
  }
  TRY(merge(message.extra, &item));
  items_.push_back(std::move(item));
  return {};
}

// Of use to OpenAI alone, and only with what it has encrypted: nothing that was said lies there.
void ItemWriter::add_reasoning(const ReasoningPart& part) {
  if (!is_own_ || part.encrypted.empty()) return;
  Json item;
  item["type"] = "reasoning";
  if (!part.id.empty()) item["id"] = part.id;
  item["summary"] = Json::array();
  const auto told = parse_json(part.extra.empty() ? "{}" : part.extra, "reasoning");
  const bool has_own = told.ok() && told->contains("summary");
  for (const char* list : {"summary", "content"}) {
    const auto at = told.ok() ? told->find(list) : Json::const_iterator();
    if (told.ok() && at != told->end() && at->is_array() && !at->empty()) item[list] = *at;
  }
  if (!has_own && !part.text.empty()) {
    item["summary"].push_back(Json{{"type", "summary_text"}, {"text", part.text}});
  }
  item["encrypted_content"] = part.encrypted;
  items_.push_back(std::move(item));
}

Status ItemWriter::add_call(const ToolCall& call) {
  Json item;
  item["type"] = "function_call";
  item["call_id"] = ids_.id_of(call);
  item["name"] = call.name;
  item["arguments"] = call.arguments;
  TRY(merge(call.extra, &item));
  items_.push_back(std::move(item));
  return {};
}

Status ItemWriter::add_vendors(const Message& message, const VendorPart& part) {
  if (is_own_) {
    items_.push_back(TRY(parse_json(part.extra, "item")));
    return {};
  }
  if (message.role == Role::kAssistant) return {};
  return responses_cannot_say("content that only another vendor's API knows", "send it as text");
}

Status ItemWriter::add_result(const Message& message) {
  for (const ContentPart& part : message.content) parts_.push_back(TRY(input_part(part)));
  const std::vector<Json> parts = std::exchange(parts_, {});
  Json item;
  item["type"] = "function_call_output";
  item["call_id"] = ids_.answered_by(message);
  if (parts.empty()) {
    item["output"] = "";
  } else {
    item["output"] = is_plain_text(parts) ? parts[0]["text"] : Json(parts);
  }
  TRY(merge(message.extra, &item));
  items_.push_back(std::move(item));
  return {};
}

Status ItemWriter::add_part(const Message& message, const ContentPart& part) {
  const auto* call = std::get_if<ToolCall>(&part);
  const auto* reasoning = std::get_if<ReasoningPart>(&part);
  const auto* vendors = std::get_if<VendorPart>(&part);
  if (call || reasoning || vendors) TRY(end_message(message));
  if (call) return add_call(*call);
  if (vendors) return add_vendors(message, *vendors);
  if (reasoning) {
    add_reasoning(*reasoning);
    return {};
  }
  if (message.role != Role::kAssistant) {
    parts_.push_back(TRY(input_part(part)));
    return {};
  }
  has_said_ = true;
  if (const auto* text = std::get_if<TextPart>(&part)) {
    said_ += text->text;
  } else if (const auto* refusal = std::get_if<RefusalPart>(&part)) {
    said_ += refusal->text;
  } else {
    return responses_cannot_say("an image or a file that the assistant gave", "leave it out");
  }
  return {};
}

Status ItemWriter::add(const Message& message) {
  if (message.role == Role::kTool) return add_result(message);
  for (const ContentPart& part : message.content) TRY(add_part(message, part));
  return end_message(message);
}

}  // namespace overtake::openai
