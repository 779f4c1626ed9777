// What a Responses request and the rest of the codec have in common: which of its members chat
// completions know too, and which of them asks for what a model can not do.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/openai/responses.h"

namespace overtake::openai {

namespace {

constexpr const char* kShared[] = {"metadata",          "store",
                                   "service_tier",      "prompt_cache_key",
                                   "safety_identifier", "prompt_cache_retention"};

Json shared_members(const Json& members) {
  Json out = Json::object();
  for (const char* name : kShared) {
    const auto at = members.find(name);
    if (at != members.end()) out[name] = *at;
  }
  return out;
}

ExtraFields as_extra(const Json& members) {
  return members.empty() ? ExtraFields() : dump_json(members);
}

}  // namespace

ExtraFields shared_with_chat(const ExtraFields& extra) {
  if (extra.empty()) return {};
  const auto members = parse_json(extra, "extra fields");
  if (!members.ok() || !members->is_object()) return {};
  Json out = shared_members(*members);
  const auto text = members->find("text");
  if (text != members->end() && text->contains("verbosity")) {
    out["verbosity"] = (*text)["verbosity"];
  }
  return as_extra(out);
}

ExtraFields shared_with_responses(const ExtraFields& extra) {
  if (extra.empty()) return {};
  const auto members = parse_json(extra, "extra fields");
  if (!members.ok() || !members->is_object()) return {};
  Json out = shared_members(*members);
  const auto verbosity = members->find("verbosity");
  if (verbosity != members->end()) out["text"]["verbosity"] = *verbosity;
  return as_extra(out);
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
    case Feature::kGrammar:
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
