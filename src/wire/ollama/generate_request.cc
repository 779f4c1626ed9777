// The request of POST /api/generate.
#include <nlohmann/json.hpp>

#include "wire/ollama/common_fields.h"

namespace overtake::ollama {
namespace {

void refuse_unsupported(wire::Fields& fields) {
  if (!fields.string("suffix").value_or("").empty()) {
    fields.unsupported("suffix", "filling in the middle is not supported here; send a prompt");
  }
  if (!fields.string("template").value_or("").empty()) {
    fields.unsupported("template", "a model's own template is used; send raw: true for none");
  }
  const Json* context = fields.array("context");
  if (context && !context->empty()) {
    fields.unsupported("context", "send the conversation to /api/chat instead");
  }
}

}  // namespace

std::optional<wire::CallError> parse_generate_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  read_common_fields(fields, call);
  keep_extra(fields, {"prompt", "system", "images", "raw", "suffix", "template", "context"}, call);
  refuse_unsupported(fields);
  const std::string text = fields.string("prompt").value_or("");
  const std::string system = fields.string("system").value_or("");
  Message user;
  user.content.push_back(TextPart{text});
  read_images(fields, &user);
  if (fields.boolean("raw").value_or(false)) {
    if (!system.empty()) fields.invalid("system", "not allowed where raw is true");
    if (user.content.size() > 1) fields.invalid("images", "not allowed where raw is true");
    call->prompts.emplace_back(TextPrompt{text});
    return fields.error();
  }
  ChatPrompt prompt;
  if (!system.empty()) {
    Message message;
    message.role = Role::kSystem;
    message.content.push_back(TextPart{system});
    prompt.messages.push_back(std::move(message));
  }
  prompt.messages.push_back(std::move(user));
  call->prompts.emplace_back(std::move(prompt));
  return fields.error();
}

}  // namespace overtake::ollama
