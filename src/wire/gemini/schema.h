// Gemini's Schema (OpenAPI 3.0 in protobuf's JSON) as the JSON Schema that the rest of us reads.
#pragma once

#include "base/json.h"

namespace overtake::gemini {

// Types in lower case, `nullable` as a type, counts (int64 comes as text) as numbers.
Json to_json_schema(const Json& schema);

}  // namespace overtake::gemini
