#include "wire/openai/model.h"

#include <nlohmann/json.hpp>

namespace overtake::openai {

Json model_json(const GeneratorInfo& info) {
  Json out;
  out["id"] = info.name;
  out["object"] = "model";
  out["created"] = info.created_s;
  out["owned_by"] = info.owned_by;
  if (info.context_length > 0) out["context_length"] = info.context_length;
  return out;
}

}  // namespace overtake::openai
