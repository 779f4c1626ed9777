// Errors in Ollama's shape, {"error": "..."}: the body of a refusal, or the last line of a stream.
#pragma once

#include <string>

#include "wire/call_error.h"

namespace overtake::ollama {

std::string error_json(const wire::CallError& error);
std::string stream_error(const wire::CallError& error);

}  // namespace overtake::ollama
