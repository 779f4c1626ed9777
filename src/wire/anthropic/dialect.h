// Anthropic's dialects, for the server.
#pragma once

#include "wire/dialect.h"

namespace overtake::anthropic {

constexpr std::string_view kBetasHeader = "anthropic-beta";

extern const wire::Dialect messages_dialect;  // POST /v1/messages
extern const wire::Dialect count_dialect;     // POST /v1/messages/count_tokens

}  // namespace overtake::anthropic
