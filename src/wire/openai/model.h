// A model as GET /v1/models describes it.
#pragma once

#include "base/json.h"
#include "engine/generator.h"

namespace overtake::openai {

// {"id", "object": "model", "created", "owned_by"} and the context's length.
Json model_json(const GeneratorInfo& info);

}  // namespace overtake::openai
