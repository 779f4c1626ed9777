// Errors in Anthropic's shape.
#pragma once

#include <string>

#include "wire/call_error.h"

namespace overtake::anthropic {

// Anthropic's own status for a server that has too much to do is 529.
int error_status(const wire::CallError& error);
// {"type": "error", "error": {"type", "message"}, "request_id"}
std::string error_json(const wire::CallError& error);
// An error that comes when the stream has begun: clients look for an event of this name; anything
// else passes for success.
std::string stream_error(const wire::CallError& error);

}  // namespace overtake::anthropic
