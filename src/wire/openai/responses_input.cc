// The input of a Responses request, item by item, as messages. What an assistant said, thought and
// called in one answer stands there as several items, and is one message here.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

// What OpenAI's own tools did in an answer. They stand there for OpenAI alone, and the answer means
// the same without them.
constexpr std::string_view kVendorItems[] = {
    "web_search_call",       "file_search_call", "code_interpreter_call",
    "image_generation_call", "mcp_call",         "mcp_list_tools"};

class ItemReader {
 public:
  explicit ItemReader(ItemMessages* out) : out_(out) {}
  void read(const Json& item, const std::string& path, wire::Fields& call);

 private:
  void read_message(wire::Fields& fields);
  void read_call(wire::Fields& fields);
  void read_output(wire::Fields& fields);
  void read_reasoning(wire::Fields& fields);
  void read_vendors(const std::string& type, const std::string& path, wire::Fields& fields);
  Message& add(Role role, std::string parts);
  Message& assistant(const std::string& path);

  ItemMessages* out_;
  bool open_ = false;      // the last message is the assistant's, which goes on
  bool has_said_ = false;  // with a message item in it
};

Message& ItemReader::add(Role role, std::string parts) {
  open_ = role == Role::kAssistant;
  has_said_ = false;
  out_->origins.push_back({std::move(parts), 0, true});
  Message& message = out_->messages.emplace_back();
  message.role = role;
  return message;
}

Message& ItemReader::assistant(const std::string& path) {
  return open_ ? out_->messages.back() : add(Role::kAssistant, path);
}

std::optional<Role> role_of(const std::string& name) {
  for (const Role role : {Role::kUser, Role::kAssistant, Role::kSystem, Role::kDeveloper}) {
    if (role_name(role) == name) return role;
  }
  return std::nullopt;
}

void ItemReader::read_message(wire::Fields& fields) {
  const auto role = role_of(fields.string("role").value_or(""));
  if (!role) return fields.invalid("role", "expected user, assistant, system or developer");
  const Json* content = fields.find("content");
  if (!content) return fields.invalid("content", "expected a string or an array of parts");
  const bool joins = *role == Role::kAssistant && open_ && !has_said_;
  const std::string path = fields.param("content");
  Message& message = joins ? out_->messages.back() : add(*role, path);
  has_said_ = *role == Role::kAssistant;
  message.extra = fields.extra({"type", "role", "content", "id", "status"});
  read_item_parts(*content, path, fields, &message.content);
}

void ItemReader::read_call(wire::Fields& fields) {
  ToolCall call;
  call.id = fields.string("call_id").value_or("");
  call.name = fields.string("name").value_or("");
  call.arguments = fields.string("arguments").value_or("");
  call.signature = fields.string("signature").value_or("");
  call.extra = fields.extra({"type", "id", "call_id", "name", "arguments", "signature", "status"});
  if (call.id.empty()) fields.invalid("call_id", "expected the call's id");
  if (call.name.empty()) fields.invalid("name", "expected the function's name");
  assistant(fields.param("arguments")).content.push_back(std::move(call));
}

void ItemReader::read_output(wire::Fields& fields) {
  const Json* output = fields.find("output");
  if (!output) return fields.invalid("output", "expected a string or an array of parts");
  const std::string path = fields.param("output");
  Message& message = add(Role::kTool, path);
  message.tool_call_id = fields.string("call_id").value_or("");
  message.name = fields.string("name").value_or("");
  message.extra = fields.extra({"type", "id", "call_id", "name", "output", "status"});
  if (message.tool_call_id.empty()) {
    fields.invalid("call_id", "expected the id of the call that this answers");
  }
  read_item_parts(*output, path, fields, &message.content);
}

// The text of an array of {type, text}.
std::string joined_text(wire::Fields& fields, std::string_view name) {
  std::string out;
  const Json* parts = fields.array(name);
  for (size_t i = 0; parts && i < parts->size(); ++i) {
    const Json& part = (*parts)[i];
    const auto text = part.is_object() ? part.find("text") : part.end();
    if (!part.is_object() || text == part.end() || !text->is_string()) {
      fields.invalid(fmt::format("{}[{}]", name, i), "expected {type, text}");
      break;
    }
    out += text->get_ref<const std::string&>();
  }
  return out;
}

void ItemReader::read_reasoning(wire::Fields& fields) {
  ReasoningPart part;
  part.text = joined_text(fields, "content");
  const std::string summary = joined_text(fields, "summary");
  if (part.text.empty()) part.text = summary;
  part.encrypted = fields.string("encrypted_content").value_or("");
  part.signature = fields.string("signature").value_or("");
  part.id = vendors_id(fields.string("id").value_or(""));
  part.extra =
      fields.extra({"type", "id", "encrypted_content", "signature", "status"});  // the texts apart
  assistant(fields.param("content")).content.push_back(std::move(part));
}

// What only OpenAI has words for.
void ItemReader::read_vendors(const std::string& type, const std::string& path,
                              wire::Fields& fields) {
  const bool says_nothing_else = std::ranges::find(kVendorItems, type) != std::end(kVendorItems);
  Message& message = says_nothing_else ? assistant(fields.param("id")) : add(Role::kUser, path);
  message.content.push_back(VendorPart{fields.extra({})});
}

void ItemReader::read(const Json& item, const std::string& path, wire::Fields& call) {
  if (!item.is_object()) {
    return call.fail(wire::invalid_field(path, path + ": expected an item (an object)"));
  }
  wire::Fields fields(item, path + ".");
  const std::string type = fields.string("type").value_or(item.contains("role") ? "message" : "");
  if (type == "message") {
    read_message(fields);
  } else if (type == "function_call") {
    read_call(fields);
  } else if (type == "function_call_output") {
    read_output(fields);
  } else if (type == "reasoning") {
    read_reasoning(fields);
  } else if (type == "item_reference" || (type.empty() && item.contains("id"))) {
    wire::CallError error = wire::invalid_field(
        fields.param("id"), fmt::format("{}: no item of this id is kept here; send the item itself",
                                        fields.param("id")));
    error.kind = ErrorCode::kNotFound;
    error.status = 404;
    fields.fail(std::move(error));
  } else if (type.empty()) {
    fields.invalid("type", "expected an item's type");
  } else {
    read_vendors(type, path, fields);
  }
  if (fields.error()) call.fail(*fields.error());
}

}  // namespace

void read_items(const Json& items, const std::string& path, wire::Fields& fields,
                ItemMessages* out) {
  ItemReader reader(out);
  for (size_t i = 0; i < items.size() && fields.ok(); ++i) {
    reader.read(items[i], fmt::format("{}[{}]", path, i), fields);
  }
}

}  // namespace overtake::openai
