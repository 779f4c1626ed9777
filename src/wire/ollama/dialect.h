// Ollama's dialects, for the server.
#pragma once

#include "wire/dialect.h"

namespace overtake::ollama {

extern const wire::Dialect chat_dialect;      // POST /api/chat
extern const wire::Dialect generate_dialect;  // POST /api/generate

}  // namespace overtake::ollama
