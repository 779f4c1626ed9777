// Writes what was said so far: messages become contents, whose roles are user and model.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "wire/base64.h"
#include "wire/gemini/client_writer.h"

namespace overtake::gemini {
namespace {

// What Google documents for a call of which the model that goes on never gave a signature: its
// newer models refuse a history with none.
constexpr const char* kNoSignature = "skip_thought_signature_validator";

struct Media {
  std::string type;
  const std::string& url;
  const std::string& bytes;
};

Result<Json> media_json(const Media& media) {
  if (!media.url.empty()) {
    Json file;
    if (!media.type.empty()) file["mimeType"] = media.type;
    file["fileUri"] = media.url;
    return Json{{"fileData", std::move(file)}};
  }
  if (media.type.empty()) return cannot_say("a file whose type is not known", "name its type");
  return Json{
      {"inlineData", {{"mimeType", media.type}, {"data", wire::encode_base64(media.bytes)}}}};
}

class ContentsWriter {
 public:
  ContentsWriter(const GenerateRequest& request, const ChatPrompt& chat)
      : request_(request), chat_(chat), own_(is_own(request)) {}

  Status write(Json* body);

 private:
  // A part's JSON; null for one that has no place here.
  Result<Json> part_json(const ContentPart& part) const;
  Result<Json> text_json(const TextPart& text) const;
  Result<Json> thought_json(const ReasoningPart& thought) const;
  Result<Json> file_json(const FilePart& file) const;
  Result<Json> call_json(const ToolCall& call) const;
  Result<Json> response_json(const Message& message) const;
  Result<Json> parts_json(const Message& message) const;
  Status add_instructions(const Message& message, Json* body) const;
  // Neighbours of one role are one content: the results of parallel calls must be.
  void add(const char* role, Json parts, Json* contents) const;
  void sign_calls(Json* contents) const;
  std::string name_of_call(const Message& result) const;

  const GenerateRequest& request_;
  const ChatPrompt& chat_;
  bool own_;
};

Result<Json> ContentsWriter::text_json(const TextPart& text) const {
  Json out = {{"text", text.text}};
  if (own_ && !text.signature.empty()) out["thoughtSignature"] = text.signature;
  TRY(merge_own(request_, text.extra, &out));
  return out;
}

// Another vendor's reasoning means nothing to Google, and could not prove itself.
Result<Json> ContentsWriter::thought_json(const ReasoningPart& thought) const {
  if (!own_) return Json();
  Json out = {{"text", thought.text}, {"thought", true}};
  if (!thought.signature.empty()) out["thoughtSignature"] = thought.signature;
  TRY(merge_own(request_, thought.extra, &out));
  return out;
}

Result<Json> ContentsWriter::file_json(const FilePart& file) const {
  if (!file.id.empty()) return cannot_say("a file that another vendor keeps", "send its bytes");
  Json out = TRY(media_json({file.media_type, file.url, file.bytes}));
  // Google's own servers refuse a name, except in the answers to their tools.
  if (own_ && !file.name.empty()) out.begin()->emplace("displayName", file.name);
  TRY(merge_own(request_, file.extra, &out));
  return out;
}

Result<Json> ContentsWriter::call_json(const ToolCall& call) const {
  Json function = Json::object();
  if (!call.id.empty()) function["id"] = call.id;
  function["name"] = call.name;
  auto args = parse_json(call.arguments.empty() ? "{}" : call.arguments, "arguments");
  if (!args.ok() || !args->is_object()) {
    return cannot_say("arguments of a tool call that are no JSON object", "send an object");
  }
  function["args"] = std::move(*args);
  TRY(merge_own(request_, call.extra, &function));
  Json out = {{"functionCall", std::move(function)}};
  if (own_ && !call.signature.empty()) out["thoughtSignature"] = call.signature;
  return out;
}

Result<Json> ContentsWriter::part_json(const ContentPart& part) const {
  if (const auto* text = std::get_if<TextPart>(&part)) return text_json(*text);
  if (const auto* refusal = std::get_if<RefusalPart>(&part)) return Json{{"text", refusal->text}};
  if (const auto* thought = std::get_if<ReasoningPart>(&part)) return thought_json(*thought);
  if (const auto* call = std::get_if<ToolCall>(&part)) return call_json(*call);
  if (const auto* file = std::get_if<FilePart>(&part)) return file_json(*file);
  if (const auto* vendors = std::get_if<VendorPart>(&part)) {
    if (own_) return parse_json(vendors->extra, "part");
    return Json();
  }
  Json out;
  if (const auto* image = std::get_if<ImagePart>(&part)) {
    out = TRY(media_json({image->media_type, image->url, image->bytes}));
    TRY(merge_own(request_, image->extra, &out));
  } else if (const auto* audio = std::get_if<AudioPart>(&part)) {
    out = TRY(media_json({"audio/" + audio->format, "", audio->bytes}));
    TRY(merge_own(request_, audio->extra, &out));
  }
  return out;
}

Result<Json> ContentsWriter::parts_json(const Message& message) const {
  Json parts = Json::array();
  const Json empty = {{"text", ""}};
  bool said_nothing = false;
  for (const ContentPart& part : message.content) {
    const bool is_vendors = std::holds_alternative<VendorPart>(part);
    if (is_vendors && !own_ && message.role != Role::kAssistant) {
      return cannot_say("content that only another vendor's API knows", "send it as text");
    }
    Json json = TRY(part_json(part));
    if (json.is_null()) continue;
    said_nothing = said_nothing || json == empty;
    if (json != empty) parts.push_back(std::move(json));
  }
  if (parts.empty() && said_nothing) parts.push_back(empty);
  return parts;
}

// Gemini names a result by its function, where others name the call alone.
std::string ContentsWriter::name_of_call(const Message& result) const {
  if (!result.name.empty()) return result.name;
  for (const Message& message : chat_.messages) {
    for (const ToolCall* call : message.tool_calls()) {
      if (!result.tool_call_id.empty() && call->id == result.tool_call_id) return call->name;
    }
  }
  return {};
}

// A response is an object: "error" says that the function failed, else "output" or all of it is
// what it gave.
Result<Json> ContentsWriter::response_json(const Message& message) const {
  Json function = Json::object();
  if (!message.tool_call_id.empty()) function["id"] = message.tool_call_id;
  std::string name = name_of_call(message);
  if (name.empty()) {
    return cannot_say("a tool's result whose call is not among the messages", "send the call too");
  }
  function["name"] = std::move(name);
  const std::string text = message.text();
  auto parsed = parse_json(text, "result of a tool");
  Json response = parsed.ok() && parsed->is_object() ? std::move(*parsed) : Json(text);
  const bool tells_failure = response.contains("error") && !response.contains("output");
  if (message.tool_failed && !tells_failure) {
    response = Json{{"error", std::move(response)}};
  } else if (!response.is_object()) {
    response = Json{{"output", std::move(response)}};
  }
  function["response"] = std::move(response);
  for (const ContentPart& part : message.content) {
    if (std::holds_alternative<TextPart>(part)) continue;
    Json json = TRY(part_json(part));
    if (!json.contains("inlineData") && !json.contains("fileData")) {
      return cannot_say("a tool's result of this kind", "send text or files");
    }
    function["parts"].push_back(std::move(json));
  }
  TRY(merge_own(request_, message.extra, &function));
  return Json::array({Json{{"functionResponse", std::move(function)}}});
}

Status ContentsWriter::add_instructions(const Message& message, Json* body) const {
  for (const ContentPart& part : message.content) {
    const auto* text = std::get_if<TextPart>(&part);
    if (!text) return cannot_say("instructions other than text", "send them as a user's message");
    (*body)["systemInstruction"]["parts"].push_back(TRY(text_json(*text)));
  }
  return {};
}

void ContentsWriter::add(const char* role, Json parts, Json* contents) const {
  if (parts.empty()) return;
  if (!contents->empty() && contents->back()["role"] == role) {
    Json& last = contents->back()["parts"];
    for (Json& part : parts) last.push_back(std::move(part));
    return;
  }
  contents->push_back(Json{{"role", role}, {"parts", std::move(parts)}});
}

// The first call of each turn carries the signature for all of them.
void ContentsWriter::sign_calls(Json* contents) const {
  if (own_ || is_before_gemini_3(request_.model)) return;
  for (Json& content : *contents) {
    for (Json& part : content["parts"]) {
      if (!part.contains("functionCall")) continue;
      part["thoughtSignature"] = kNoSignature;
      break;
    }
  }
}

// There is one place for instructions, before everything that was said; all of them go there.
Status ContentsWriter::write(Json* body) {
  Json contents = Json::array();
  for (const Message& message : chat_.messages) {
    switch (message.role) {
      case Role::kSystem:
      case Role::kDeveloper:
        TRY(add_instructions(message, body));
        break;
      case Role::kUser:
        add("user", TRY(parts_json(message)), &contents);
        break;
      case Role::kAssistant:
        add("model", TRY(parts_json(message)), &contents);
        break;
      case Role::kTool:
        add("user", TRY(response_json(message)), &contents);
        break;
    }
  }
  sign_calls(&contents);
  (*body)["contents"] = std::move(contents);
  return {};
}

}  // namespace

Status write_contents(const GenerateRequest& request, const ChatPrompt& chat, Json* body) {
  return ContentsWriter(request, chat).write(body);
}

}  // namespace overtake::gemini
