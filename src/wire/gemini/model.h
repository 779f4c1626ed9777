// A model as GET /v1beta/models describes it.
#pragma once

#include "base/json.h"
#include "engine/generator.h"

namespace overtake::gemini {

Json model_json(const GeneratorInfo& info);

}  // namespace overtake::gemini
