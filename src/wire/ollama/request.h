// Requests of Ollama's chat and generate, read into a Call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "wire/call.h"
#include "wire/call_error.h"

namespace overtake::ollama {

// As wire::Dialect::parse.
std::optional<wire::CallError> parse_chat_request(const Json& body, wire::Call* call);
std::optional<wire::CallError> parse_generate_request(const Json& body, wire::Call* call);

// What Ollama calls "smollm2:latest" and "smollm2" is one model: the name without ":latest".
std::string_view model_name(std::string_view given);

// Whether the request only asks that a model be ready: it has no prompt and no messages. Ollama's
// clients send it before a conversation.
bool only_loads(const Json& body);

}  // namespace overtake::ollama
