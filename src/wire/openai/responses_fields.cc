// What a Responses request and the rest of the codec have in common: which of its members chat
// completions know too, and which of them asks for what a model can not do.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/openai/responses.h"

namespace overtake::openai {

ExtraFields shared_with_chat(const ExtraFields& extra) {
  if (extra.empty()) return {};
  const auto members = parse_json(extra, "extra fields");
  if (!members.ok() || !members.value().is_object()) return {};
  Json out = Json::object();
  for (const char* name : {"metadata", "store", "service_tier", "prompt_cache_key",
                           "prompt_cache_retention", "safety_identifier"}) {
    const auto at = members.value().find(name);
    if (at != members.value().end()) out[name] = *at;
  }
  return out.empty() ? ExtraFields() : dump_json(out);
}

std::string responses_field_of(const FeatureUse& use) {
  switch (use.feature) {
    case Feature::kImages:
    case Feature::kAudio:
    case Feature::kFiles:
    case Feature::kTextPrompt:
    case Feature::kTokenPrompt:
    case Feature::kPromptLogprobs:
      return "input";
    case Feature::kTools:
    case Feature::kVendorTools:
      return use.tool < 0 ? "tools" : fmt::format("tools[{}]", use.tool);
    case Feature::kForcedTools:
      return "tool_choice";
    case Feature::kJson:
    case Feature::kJsonSchema:
      return "text.format";
    case Feature::kReasoning:
      return "reasoning";
    case Feature::kLogprobs:
      return "top_logprobs";
    case Feature::kTopK:
      return "top_k";
    case Feature::kMinP:
      return "min_p";
    case Feature::kRepetitionPenalty:
      return "repetition_penalty";
    case Feature::kPresencePenalty:
      return "presence_penalty";
    case Feature::kFrequencyPenalty:
      return "frequency_penalty";
    case Feature::kLogitBias:
      return "logit_bias";
    case Feature::kSeed:
      return "seed";
    case Feature::kStop:
      return "stop";
    case Feature::kIgnoreEnd:
      return "ignore_eos";
    case Feature::kEmbeddings:  // of no response
    case Feature::kEmbedTokens:
    case Feature::kEmbedTasks:
      break;
  }
  return "";
}

}  // namespace overtake::openai
