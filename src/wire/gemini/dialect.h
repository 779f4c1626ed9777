// Gemini's dialects, for the server: they differ in the form of a stream.
#pragma once

#include "wire/dialect.h"

namespace overtake::gemini {

extern const wire::Dialect event_dialect;  // server-sent events: ?alt=sse
extern const wire::Dialect array_dialect;  // a JSON array, piece by piece
extern const wire::Dialect count_dialect;  // countTokens, which has no answer to write

}  // namespace overtake::gemini
