#include "wire/gemini/model.h"

#include <nlohmann/json.hpp>

namespace overtake::gemini {

Json model_json(const GeneratorInfo& info) {
  Json methods = Json::array({"generateContent", "streamGenerateContent", "countTokens"});
  if (info.features.has(Feature::kEmbeddings)) {
    methods.push_back("embedContent");
    methods.push_back("batchEmbedContents");
  }
  return Json{{"name", "models/" + info.name},
              {"version", "1"},
              {"displayName", info.name},
              {"inputTokenLimit", info.context_length},
              {"outputTokenLimit", info.context_length},
              {"supportedGenerationMethods", std::move(methods)}};
}

Json model_list_json(std::span<const std::shared_ptr<Generator>> generators) {
  Json models = Json::array();
  for (const auto& generator : generators) models.push_back(model_json(generator->info()));
  return Json{{"models", std::move(models)}};
}

}  // namespace overtake::gemini
