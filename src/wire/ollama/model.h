// A model as Ollama's lists and descriptions have it.
#pragma once

#include "base/json.h"
#include "engine/generator.h"

namespace overtake::ollama {

Json tag_json(const GeneratorInfo& info);      // of GET /api/tags
Json running_json(const GeneratorInfo& info);  // of GET /api/ps
Json show_json(const GeneratorInfo& info);     // of POST /api/show

}  // namespace overtake::ollama
