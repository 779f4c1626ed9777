#include "engine/feature.h"

namespace overtake {
namespace {

std::optional<Feature> feature_of(const ContentPart& part, Role role) {
  if (std::holds_alternative<ImagePart>(part)) return Feature::kImages;
  if (std::holds_alternative<AudioPart>(part)) return Feature::kAudio;
  if (std::holds_alternative<FilePart>(part)) return Feature::kFiles;
  // What its tools did is of use to one vendor, and may be left out for the others.
  if (std::holds_alternative<VendorPart>(part) && role != Role::kAssistant) {
    return Feature::kVendorTools;
  }
  return std::nullopt;
}

std::optional<FeatureUse> unmet_in_chat(const ChatPrompt& chat, FeatureSet features) {
  for (size_t m = 0; m < chat.messages.size(); ++m) {
    const auto& content = chat.messages[m].content;
    for (size_t p = 0; p < content.size(); ++p) {
      const auto feature = feature_of(content[p], chat.messages[m].role);
      if (feature && !features.has(*feature)) {
        return FeatureUse{*feature, static_cast<int>(m), static_cast<int>(p)};
      }
    }
  }
  // Tools that may not be called are harmless: they only stand in the prompt.
  if (chat.tool_choice.kind == ToolChoice::Kind::kNone) return std::nullopt;
  for (size_t t = 0; t < chat.tools.size(); ++t) {
    const Feature feature = chat.tools[t].name.empty() ? Feature::kVendorTools : Feature::kTools;
    if (!features.has(feature)) return FeatureUse{feature, -1, -1, static_cast<int>(t)};
  }
  using Kind = ToolChoice::Kind;
  const Kind choice = chat.tool_choice.kind;
  if (choice != Kind::kAuto && !features.has(Feature::kForcedTools)) {
    return FeatureUse{Feature::kForcedTools};
  }
  if (choice == Kind::kVendors && !features.has(Feature::kVendorTools)) {
    return FeatureUse{Feature::kVendorTools};
  }
  return std::nullopt;
}

}  // namespace

std::string_view feature_name(Feature feature) {
  switch (feature) {
    case Feature::kImages:
      return "images";
    case Feature::kAudio:
      return "audio";
    case Feature::kFiles:
      return "files";
    case Feature::kTools:
      return "tool calls";
    case Feature::kForcedTools:
      return "forced tool calls";
    case Feature::kVendorTools:
      return "tools that the vendor runs";
    case Feature::kJson:
      return "answers in JSON";
    case Feature::kJsonSchema:
      return "answers by a JSON schema";
    case Feature::kGrammar:
      return "answers by a regular expression, a grammar or a list of choices";
    case Feature::kReasoning:
      return "control of its reasoning";
    case Feature::kLogprobs:
      return "log probabilities";
    case Feature::kPromptLogprobs:
      return "log probabilities of the prompt";
    case Feature::kTopK:
      return "top-k sampling";
    case Feature::kMinP:
      return "min-p sampling";
    case Feature::kRepetitionPenalty:
      return "a repetition penalty";
    case Feature::kPresencePenalty:
      return "a presence penalty";
    case Feature::kFrequencyPenalty:
      return "a frequency penalty";
    case Feature::kLogitBias:
      return "a bias of tokens";
    case Feature::kSeed:
      return "a seed";
    case Feature::kStop:
      return "stop strings";
    case Feature::kTextPrompt:
      return "prompts without chat messages";
    case Feature::kTokenPrompt:
      return "prompts of token ids";
    case Feature::kIgnoreEnd:
      return "going on past the end";
    case Feature::kEmbeddings:
      return "embeddings";
    case Feature::kEmbedTokens:
      return "embeddings of token ids";
    case Feature::kEmbedTasks:
      return "embeddings for a task";
  }
  return "this";
}

std::optional<FeatureUse> first_unmet(const GenerateRequest& request, FeatureSet features) {
  if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt)) {
    if (auto unmet = unmet_in_chat(*chat, features)) return unmet;
  }
  const SamplingParams& sampling = request.sampling;
  const ReasoningParams& reasoning = request.reasoning;
  using Kind = OutputFormat::Kind;
  const struct {
    Feature feature;
    bool wanted;
  } uses[] = {
      {Feature::kJson, request.format.kind == Kind::kJson},
      {Feature::kJsonSchema, request.format.kind == Kind::kJsonSchema},
      {Feature::kGrammar, request.format.kind == Kind::kRegex ||
                              request.format.kind == Kind::kGrammar ||
                              request.format.kind == Kind::kChoice},
      {Feature::kReasoning, !reasoning.effort.empty() || reasoning.budget_tokens},
      {Feature::kLogprobs, request.top_logprobs >= 0},
      {Feature::kPromptLogprobs, request.prompt_logprobs},
      {Feature::kTopK, sampling.top_k.value_or(0) > 0},
      {Feature::kMinP, sampling.min_p.value_or(0) > 0},
      {Feature::kRepetitionPenalty, sampling.repetition_penalty.value_or(1) != 1},
      {Feature::kPresencePenalty, sampling.presence_penalty != 0},
      {Feature::kFrequencyPenalty, sampling.frequency_penalty != 0},
      {Feature::kLogitBias, !sampling.logit_bias.empty()},
      {Feature::kSeed, sampling.seed.has_value()},
      {Feature::kStop, !request.stop.empty()},
      {Feature::kTextPrompt, std::holds_alternative<TextPrompt>(request.prompt)},
      {Feature::kTokenPrompt, std::holds_alternative<TokenPrompt>(request.prompt)},
      {Feature::kIgnoreEnd, request.ignore_end},
  };
  for (const auto& use : uses) {
    if (use.wanted && !features.has(use.feature)) return FeatureUse{use.feature};
  }
  return std::nullopt;
}

std::optional<FeatureUse> first_unmet(const EmbedRequest& request, FeatureSet features) {
  if (!features.has(Feature::kEmbeddings)) return FeatureUse{Feature::kEmbeddings};
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const EmbedInput& input = request.inputs[i];
    const int part = static_cast<int>(i);
    const bool has_task = !input.task.empty() || !input.title.empty();
    if (std::holds_alternative<TokenPrompt>(input.content) &&
        !features.has(Feature::kEmbedTokens)) {
      return FeatureUse{.feature = Feature::kEmbedTokens, .part = part};
    }
    if (has_task && !features.has(Feature::kEmbedTasks)) {
      return FeatureUse{.feature = Feature::kEmbedTasks, .part = part};
    }
  }
  return std::nullopt;
}

}  // namespace overtake
