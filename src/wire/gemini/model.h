// A model as GET /v1beta/models describes it.
#pragma once

#include <memory>
#include <span>

#include "base/json.h"
#include "engine/generator.h"

namespace overtake::gemini {

Json model_json(const GeneratorInfo& info);
// {"models": [...]}
Json model_list_json(std::span<const std::shared_ptr<Generator>> generators);

}  // namespace overtake::gemini
