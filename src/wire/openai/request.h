// Requests of OpenAI's chat completions and completions, read into a Call.
#pragma once

#include <optional>

#include "base/json.h"
#include "wire/call.h"
#include "wire/call_error.h"

namespace overtake::openai {

constexpr int kMaxTopLogprobs = 20;

// As wire::Dialect::parse.
std::optional<wire::CallError> parse_chat_request(const Json& body, wire::Call* call);
std::optional<wire::CallError> parse_completion_request(const Json& body, wire::Call* call);

}  // namespace overtake::openai
