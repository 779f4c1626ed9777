#include "wire/anthropic/content.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/base64.h"

namespace overtake::anthropic {
namespace {

std::string required(wire::Fields& fields, std::string_view name) {
  const auto text = fields.string(name);
  if (!text) fields.invalid(name, "field required: a string");
  return text.value_or("");
}

std::string required_bytes(wire::Fields& fields, std::string_view name) {
  auto bytes = wire::decode_base64(required(fields, name));
  if (!bytes) fields.invalid(name, "expected base64");
  return std::move(bytes).value_or("");
}

// What an image's or a document's "source" says.
struct Source {
  std::string media_type;
  std::string url;
  std::string bytes;
  std::string file_id;
};

Source read_source(wire::Fields& block, bool is_document) {
  Source out;
  const Json* object = block.object("source");
  if (!object) return block.invalid("source", "field required: an object"), out;
  wire::Fields fields(*object, block.param("source") + ".");
  const std::string type = required(fields, "type");
  if (type == "base64") {
    out.media_type = required(fields, "media_type");
    out.bytes = required_bytes(fields, "data");
  } else if (type == "url") {
    out.url = required(fields, "url");
    if (out.url.empty()) fields.invalid("url", "expected a URL");
  } else if (type == "file") {
    out.file_id = required(fields, "file_id");
  } else if (type == "text" && is_document) {
    out.media_type = fields.string("media_type").value_or("text/plain");
    out.bytes = required(fields, "data");
  } else {
    fields.invalid("type", is_document ? "expected base64, url, file or text"
                                       : "expected base64, url or file");
  }
  if (fields.error()) block.fail(*fields.error());
  return out;
}

void read_image(wire::Fields& fields, Message* out) {
  Source source = read_source(fields, /*is_document=*/false);
  ExtraFields extra = fields.extra({"type", "source"});
  if (source.file_id.empty()) {
    out->content.push_back(ImagePart{source.media_type, source.url, source.bytes, {}, extra});
    return;
  }
  FilePart file;  // kept by Anthropic, which tells an image from a document by the block's type
  file.id = std::move(source.file_id);
  file.media_type = "image";
  file.extra = std::move(extra);
  out->content.push_back(std::move(file));
}

void read_document(wire::Fields& fields, Message* out) {
  const Json* origin = fields.object("source");
  if (origin && origin->value("type", Json()) == "content") {  // of blocks, each to be cited
    out->content.push_back(VendorPart{fields.extra({})});
    return;
  }
  Source source = read_source(fields, /*is_document=*/true);
  FilePart file;
  file.name = fields.string("title").value_or("");
  file.media_type = std::move(source.media_type);
  file.url = std::move(source.url);
  file.bytes = std::move(source.bytes);
  file.id = std::move(source.file_id);
  file.extra = fields.extra({"type", "source", "title"});
  out->content.push_back(std::move(file));
}

// Whether `type` is one of those that users' messages, tool results and "system" may hold.
bool read_plain_block(const std::string& type, wire::Fields& fields, Message* out) {
  if (type == "text") {
    TextPart part;
    part.text = required(fields, "text");
    part.extra = fields.extra({"type", "text"});
    out->content.push_back(std::move(part));
  } else if (type == "image") {
    read_image(fields, out);
  } else if (type == "document") {
    read_document(fields, out);
  } else if (type == "search_result" || type == "container_upload") {
    out->content.push_back(VendorPart{fields.extra({})});
  } else {
    return false;
  }
  return true;
}

bool read_assistant_block(const std::string& type, wire::Fields& fields, Message* out) {
  if (type == "thinking") {
    ReasoningPart part;
    part.text = required(fields, "thinking");
    part.signature = fields.string("signature").value_or("");
    part.extra = fields.extra({"type", "thinking", "signature"});
    out->content.push_back(std::move(part));
  } else if (type == "redacted_thinking") {
    ReasoningPart part;
    part.encrypted = required(fields, "data");
    part.extra = fields.extra({"type", "data"});
    out->content.push_back(std::move(part));
  } else if (type == "tool_use") {
    ToolCall tool;
    tool.id = required(fields, "id");
    tool.name = required(fields, "name");
    const Json* input = fields.object("input");
    if (!input) fields.invalid("input", "field required: an object");
    if (input) tool.arguments = dump_json(*input);
    tool.extra = fields.extra({"type", "id", "name", "input"});
    out->content.push_back(std::move(tool));
  } else if (type == "server_tool_use" || type == "mcp_tool_use" || type == "compaction" ||
             type.ends_with("_tool_result")) {
    out->content.push_back(VendorPart{fields.extra({})});  // what Anthropic's own tools did
  } else {
    return false;
  }
  return true;
}

void refuse_block(const std::string& type, wire::Fields& fields) {
  fields.unsupported(
      "type", type.empty() ? "expected the block's type"
                           : fmt::format("blocks of type \"{}\" are not supported here", type));
}

// A list of blocks, or a string, of `name`: each block with its path to `read`.
template <typename Read>
void read_blocks(wire::Fields& owner, std::string_view name, Read read) {
  const Json* content = owner.find(name);
  if (!content || !content->is_array()) {
    return owner.invalid(name, "expected a string or an array of blocks");
  }
  for (size_t i = 0; i < content->size() && owner.ok(); ++i) {
    const Json& block = (*content)[i];
    const std::string path = fmt::format("{}.{}", owner.param(name), i);
    if (!block.is_object()) {
      return owner.fail(wire::invalid_field(path, path + ": expected a block (an object)"));
    }
    wire::Fields fields(block, path + ".");
    read(required(fields, "type"), fields, static_cast<int>(i));
    if (fields.error()) owner.fail(*fields.error());
  }
}

// Whether `name` is a string, which then is all of `out`'s content.
bool read_text_content(const wire::Fields& owner, std::string_view name, Message* out) {
  const Json* content = owner.find(name);
  if (!content || !content->is_string()) return false;
  out->content.push_back(TextPart{content->get<std::string>(), {}, {}});
  return true;
}

void read_tool_result(wire::Fields& fields, MessageList* out) {
  Message message;
  message.role = Role::kTool;
  message.tool_call_id = required(fields, "tool_use_id");
  message.tool_failed = fields.boolean("is_error").value_or(false);
  message.extra = fields.extra({"type", "tool_use_id", "is_error", "content"});
  const auto name = out->tool_names.find(message.tool_call_id);
  if (name != out->tool_names.end()) message.name = name->second;
  if (fields.find("content") && !read_text_content(fields, "content", &message)) {
    read_blocks(fields, "content", [&](const std::string& type, wire::Fields& block, int) {
      if (!read_plain_block(type, block, &message)) refuse_block(type, block);
    });
  }
  out->add(std::move(message), {fields.param("content"), 0});
}

// A user's blocks in their order: a tool's result ends the message before it.
void read_user(wire::Fields& fields, const Message& first, MessageList* out) {
  const std::string parts = fields.param("content");
  Message current = first;
  int begin = 0;
  const auto flush = [&](int next) {
    if (!current.content.empty()) out->add(std::exchange(current, first), {parts, begin});
    begin = next;
  };
  read_blocks(fields, "content", [&](const std::string& type, wire::Fields& block, int i) {
    if (type == "tool_result") {
      flush(i + 1);
      read_tool_result(block, out);
    } else if (!read_plain_block(type, block, &current)) {
      refuse_block(type, block);
    }
  });
  flush(0);
  const Json* content = fields.find("content");
  if (content && content->empty()) fields.invalid("content", "expected at least one block");
}

void read_assistant(wire::Fields& fields, Message message, MessageList* out) {
  read_blocks(fields, "content", [&](const std::string& type, wire::Fields& block, int) {
    if (!read_assistant_block(type, block, &message) && !read_plain_block(type, block, &message)) {
      refuse_block(type, block);
    }
  });
  for (const ToolCall* call : message.tool_calls()) out->tool_names[call->id] = call->name;
  out->add(std::move(message), {fields.param("content"), 0});
}

}  // namespace

void MessageList::add(Message message, wire::MessageOrigin origin) {
  messages.push_back(std::move(message));
  origins.push_back(std::move(origin));
}

void read_system(wire::Fields& call, MessageList* out) {
  if (!call.find("system")) return;
  Message message;
  message.role = Role::kSystem;
  if (!read_text_content(call, "system", &message)) {
    read_blocks(call, "system", [&](const std::string& type, wire::Fields& block, int) {
      if (type != "text") return block.invalid("type", "expected text");
      read_plain_block(type, block, &message);
    });
  }
  if (!message.content.empty()) out->add(std::move(message), {"system", 0});
}

void read_message(const Json& json, const std::string& path, wire::Fields& call, MessageList* out) {
  if (!json.is_object()) {
    return call.fail(wire::invalid_field(path, path + ": expected an object"));
  }
  wire::Fields fields(json, path + ".");
  const std::string role = required(fields, "role");
  Message message;
  message.role = role == "assistant" ? Role::kAssistant
                 : role == "system"  ? Role::kSystem
                                     : Role::kUser;
  message.extra = fields.extra({"role", "content"});
  if (role != role_name(message.role)) {
    fields.invalid("role", "expected user, assistant or system");
  } else if (read_text_content(fields, "content", &message)) {
    out->add(std::move(message), {fields.param("content"), 0});
  } else if (message.role == Role::kAssistant) {
    read_assistant(fields, std::move(message), out);
  } else {
    read_user(fields, message, out);
  }
  if (fields.error()) call.fail(*fields.error());
}

}  // namespace overtake::anthropic
