// OpenAI's dialects, for the server.
#pragma once

#include "wire/dialect.h"

namespace overtake::openai {

extern const wire::Dialect chat_dialect;        // POST /v1/chat/completions
extern const wire::Dialect completion_dialect;  // POST /v1/completions
extern const wire::Dialect responses_dialect;   // POST /v1/responses

}  // namespace overtake::openai
