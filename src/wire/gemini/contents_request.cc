// The contents of a request: what was said so far, as messages.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "wire/base64.h"
#include "wire/gemini/names.h"
#include "wire/gemini/request.h"

namespace overtake::gemini {
namespace {

// Google's own clients send both alphabets of RFC 4648.
std::optional<std::string> decode(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  return wire::decode_base64(text);
}

// By its type; Gemini has one form for all media.
ContentPart media_part(FilePart file) {
  if (file.media_type.starts_with("image/")) {
    return ImagePart{file.media_type, file.url, std::move(file.bytes), "", file.extra};
  }
  if (file.media_type.starts_with("audio/") && file.url.empty()) {
    const std::string format = file.media_type.substr(file.media_type.find('/') + 1);
    return AudioPart{format, std::move(file.bytes), file.extra};
  }
  return file;
}

// What Google's own tools did: code that ran, what it gave, and such.
bool is_vendors_own(const wire::Fields& part) {
  for (const char* name : {"executableCode", "codeExecutionResult", "toolCall", "toolResponse"}) {
    if (part.find(spelled(part, name))) return true;
  }
  return false;
}

std::string object_text(wire::Fields& fields, std::string_view name) {
  const Json* object = fields.object(name);
  return object ? dump_json(*object) : "{}";
}

struct ContentList {
  std::vector<Message> messages;
  std::vector<wire::MessageOrigin> origins;
};

// The messages of one content. Its parts stay in order: a function's result ends the message before
// it.
class ContentReader {
 public:
  ContentReader(Role role, std::string path, ContentList* out)
      : role_(role), path_(std::move(path)), out_(out) {}

  // The part at `index` of the content.
  void read(wire::Fields& part, int index) {
    index_ = index;
    const std::string signature = part.string(spelled(part, "thoughtSignature")).value_or("");
    if (part.find("text")) {
      read_text(part, signature);
    } else if (part.find(spelled(part, "inlineData"))) {
      read_inline(part);
    } else if (part.find(spelled(part, "fileData"))) {
      read_file(part);
    } else if (part.find(spelled(part, "functionCall"))) {
      read_call(part, signature);
    } else if (part.find(spelled(part, "functionResponse"))) {
      read_response(part);
    } else if (is_vendors_own(part)) {
      if (role_ != Role::kAssistant) return part.invalid("text", "only the model's tools do this");
      add(VendorPart{part.extra({})});
    } else if (!signature.empty()) {
      add(TextPart{"", signature});  // a signature may come by itself
    } else {
      part.invalid("text", "expected text, inlineData, fileData, functionCall or functionResponse");
    }
  }

 private:
  void add(ContentPart part) {
    if (!open_) {
      out_->messages.emplace_back();
      out_->messages.back().role = role_;
      out_->origins.push_back({path_, index_});
      open_ = true;
    }
    out_->messages.back().content.push_back(std::move(part));
  }

  void read_text(wire::Fields& part, const std::string& signature) {
    const std::string text = part.string("text").value_or("");
    const std::string extra = extra_of(part, {"text", "thought", "thoughtSignature"});
    if (part.boolean("thought").value_or(false)) {
      ReasoningPart thought{text, signature};
      thought.extra = extra;
      return add(std::move(thought));
    }
    add(TextPart{text, signature, extra});
  }

  void read_inline(wire::Fields& part) {
    const std::string name = spelled(part, "inlineData");
    const Json* object = part.object(name);
    if (!object) return;
    wire::Fields data(*object, part.param(name) + ".");
    const std::string type = data.string(spelled(data, "mimeType")).value_or("");
    if (type.empty()) data.invalid("mimeType", "expected a type such as image/png");
    auto bytes = decode(data.string("data").value_or(""));
    if (!bytes || bytes->empty()) data.invalid("data", "expected base64");
    const std::string title = data.string(spelled(data, "displayName")).value_or("");
    if (data.error()) return part.fail(*data.error());
    add(media_part({title, type, "", std::move(*bytes), "", extra_of(part, {"inlineData"})}));
  }

  void read_file(wire::Fields& part) {
    const std::string name = spelled(part, "fileData");
    const Json* object = part.object(name);
    if (!object) return;
    wire::Fields data(*object, part.param(name) + ".");
    const std::string type = data.string(spelled(data, "mimeType")).value_or("");
    const std::string uri = data.string(spelled(data, "fileUri")).value_or("");
    if (uri.empty()) data.invalid("fileUri", "expected the address of a file");
    const std::string title = data.string(spelled(data, "displayName")).value_or("");
    if (data.error()) return part.fail(*data.error());
    add(media_part({title, type, uri, "", "", extra_of(part, {"fileData"})}));
  }

  void read_call(wire::Fields& part, const std::string& signature) {
    const std::string name = spelled(part, "functionCall");
    if (role_ != Role::kAssistant) return part.invalid(name, "only the model calls functions");
    const Json* object = part.object(name);
    if (!object) return;
    wire::Fields call(*object, part.param(name) + ".");
    ToolCall tool;
    tool.id = call.string("id").value_or("");
    tool.name = call.string("name").value_or("");
    if (tool.name.empty()) call.invalid("name", "expected the function's name");
    tool.arguments = object_text(call, "args");
    tool.signature = signature;
    tool.extra = call.extra({"id", "name", "args"});
    if (call.error()) return part.fail(*call.error());
    add(std::move(tool));
  }

  // Each result is a message of its own.
  void read_response(wire::Fields& part) {
    const std::string name = spelled(part, "functionResponse");
    const Json* object = part.object(name);
    if (!object) return;
    wire::Fields fields(*object, part.param(name) + ".");
    Message result;
    result.role = Role::kTool;
    result.tool_call_id = fields.string("id").value_or("");
    result.name = fields.string("name").value_or("");
    if (result.name.empty()) fields.invalid("name", "expected the function's name");
    result.content.push_back(TextPart{object_text(fields, "response")});
    const Json* response = fields.object("response");
    result.tool_failed = response && response->contains("error") && !response->contains("output");
    const Json* parts = fields.array("parts");
    if (parts && !parts->empty()) fields.unsupported("parts", "send the result in response");
    result.extra = fields.extra({"id", "name", "response", "parts"});
    if (fields.error()) return part.fail(*fields.error());
    out_->messages.push_back(std::move(result));
    out_->origins.push_back({path_, index_});
    open_ = false;
  }

  Role role_;
  std::string path_;  // "contents.0.parts"
  int index_ = 0;
  ContentList* out_;
  bool open_ = false;  // the last message may take more
};

// Where a content stands: "contents[0]" in messages, "contents.0" in origins.
struct Place {
  std::string path;
  std::string origin;
};

void read_content(const Json& json, const Place& place, wire::Fields& call, Role fallback,
                  ContentList* out) {
  const std::string& path = place.path;
  if (!json.is_object()) return call.invalid(path, "expected an object with parts");
  wire::Fields fields(json, path + ".");
  const std::string role = fields.string("role").value_or("");
  if (fallback != Role::kSystem) {
    if (role == "model") {
      fallback = Role::kAssistant;
    } else if (!role.empty() && role != "user" && role != "function") {
      fields.invalid("role", "expected user or model");
    }
  }
  const Json* parts = fields.array("parts");
  if (!parts || parts->empty()) fields.invalid("parts", "expected at least one part");
  ContentReader reader(fallback, place.origin + ".parts", out);
  for (size_t i = 0; parts && i < parts->size() && fields.ok(); ++i) {
    const std::string name = fmt::format("parts[{}]", i);
    if (!(*parts)[i].is_object()) {
      fields.invalid(name, "expected an object");
      break;
    }
    wire::Fields part((*parts)[i], fields.param(name) + ".");
    if (fallback == Role::kSystem && !part.find("text")) {
      part.unsupported("text", "instructions are text only");
    }
    if (part.ok()) reader.read(part, static_cast<int>(i));
    if (part.error()) fields.fail(*part.error());
  }
  if (fields.error()) call.fail(*fields.error());
}

}  // namespace

void read_contents(wire::Fields& fields, ChatPrompt* out,
                   std::vector<wire::MessageOrigin>* origins) {
  ContentList list;
  const std::string name = spelled(fields, "systemInstruction");
  if (const Json* system = fields.find(name)) {
    read_content(*system, {name, name}, fields, Role::kSystem, &list);
  }
  const Json* contents = fields.array("contents");
  if (!contents || contents->empty()) fields.invalid("contents", "expected at least one content");
  for (size_t i = 0; contents && i < contents->size() && fields.ok(); ++i) {
    const Place place = {fmt::format("contents[{}]", i), fmt::format("contents.{}", i)};
    read_content((*contents)[i], place, fields, Role::kUser, &list);
  }
  out->messages = std::move(list.messages);
  *origins = std::move(list.origins);
}

}  // namespace overtake::gemini
