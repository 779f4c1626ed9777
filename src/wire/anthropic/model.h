// A model as Anthropic's GET /v1/models describes it.
#pragma once

#include <memory>
#include <span>

#include "base/json.h"
#include "engine/generator.h"

namespace overtake::anthropic {

// {"type": "model", "id", "display_name", "created_at", ...}
Json model_json(const GeneratorInfo& info);
// {"data": [...], "has_more": false, "first_id", "last_id"}
Json model_list_json(std::span<const std::shared_ptr<Generator>> generators);

}  // namespace overtake::anthropic
