// Requests of Anthropic's Messages, read into a Call.
#pragma once

#include <optional>

#include "base/json.h"
#include "wire/call.h"
#include "wire/call_error.h"

namespace overtake::anthropic {

constexpr int kMaxStops = 64;

// As wire::Dialect::parse: POST /v1/messages.
std::optional<wire::CallError> parse_messages_request(const Json& body, wire::Call* call);
// POST /v1/messages/count_tokens: the same without max_tokens.
std::optional<wire::CallError> parse_count_request(const Json& body, wire::Call* call);

}  // namespace overtake::anthropic
