#include "wire/gemini/model.h"

#include <nlohmann/json.hpp>

namespace overtake::gemini {

Json model_json(const GeneratorInfo& info) {
  return Json{{"name", "models/" + info.name},
              {"version", "1"},
              {"displayName", info.name},
              {"inputTokenLimit", info.context_length},
              {"outputTokenLimit", info.context_length},
              {"supportedGenerationMethods",
               Json::array({"generateContent", "streamGenerateContent", "countTokens"})}};
}

}  // namespace overtake::gemini
