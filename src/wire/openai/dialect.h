// OpenAI's dialects, for the server.
#pragma once

#include "wire/dialect.h"

namespace overtake::openai {

extern const wire::Dialect chat_dialect;        // POST /v1/chat/completions
extern const wire::Dialect completion_dialect;  // POST /v1/completions

}  // namespace overtake::openai
