// Errors in Google's shape: {"error": {"code", "message", "status", "details"}}.
#pragma once

#include <string>

#include "wire/call_error.h"

namespace overtake::gemini {

std::string error_json(const wire::CallError& error);
// After a stream of events has begun, and after an array has.
std::string event_error(const wire::CallError& error);
std::string array_error(const wire::CallError& error);

}  // namespace overtake::gemini
