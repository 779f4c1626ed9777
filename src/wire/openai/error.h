// Errors in OpenAI's shape.
#pragma once

#include <string>

#include "base/json.h"
#include "wire/call_error.h"

namespace overtake::openai {

// {"error": {"message", "type", "param", "code"}}
std::string error_json(const wire::CallError& error);
// An error that comes when the stream has begun: clients look for a top-level "error" in the data
// of an event without a name; anything else passes for success.
std::string stream_error(const wire::CallError& error);
// Of Responses: the same, with the prompt's own name there; and the event that comes where no
// response has begun.
std::string responses_error_json(const wire::CallError& error);
std::string responses_stream_error(const wire::CallError& error);
// {"code", "message", "param"}, of such an event.
Json responses_error_members(const wire::CallError& error);

}  // namespace overtake::openai
