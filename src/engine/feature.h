// Feature: what a request may ask for and not every model can do. One check for all of them, so
// that what is missing is refused by name before any work, in the words of the client's dialect.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "engine/embed_request.h"
#include "engine/generate_request.h"

namespace overtake {

enum class Feature {
  kImages,
  kAudio,
  kFiles,
  kTools,
  kForcedTools,  // tool_choice other than auto and none
  kVendorTools,  // tools without a name, which the vendor runs
  kJson,
  kJsonSchema,
  kGrammar,    // a regular expression, a grammar or a list of choices
  kReasoning,  // effort or budget
  kLogprobs,
  kPromptLogprobs,
  kTopK,
  kMinP,
  kRepetitionPenalty,
  kPresencePenalty,
  kFrequencyPenalty,
  kLogitBias,
  kSeed,
  kStop,
  kTextPrompt,
  kTokenPrompt,
  kIgnoreEnd,
  kEmbeddings,
  kEmbedTokens,  // ... of token ids
  kEmbedTasks,   // ... for a task, or with a title
};
constexpr int kFeatureCount = static_cast<int>(Feature::kEmbedTasks) + 1;
// As messages have it: "images", "a JSON schema for the answer".
std::string_view feature_name(Feature feature);

class FeatureSet {
 public:
  constexpr FeatureSet() = default;
  constexpr FeatureSet(std::initializer_list<Feature> features) {
    for (const Feature feature : features) bits_ |= uint32_t{1} << static_cast<int>(feature);
  }
  constexpr bool has(Feature feature) const {
    return (bits_ >> static_cast<int>(feature) & 1) != 0;
  }
  constexpr FeatureSet without(FeatureSet less) const {
    FeatureSet out;
    out.bits_ = bits_ & ~less.bits_;
    return out;
  }
  constexpr FeatureSet with(FeatureSet more) const {
    FeatureSet out;
    out.bits_ = bits_ | more.bits_;
    return out;
  }

 private:
  uint32_t bits_ = 0;
};
static_assert(kFeatureCount <= 32);

// What every model on this machine can do. Effort and budget bound a reasoning that such a model
// may not do at all, so any of them is kept; and a decoder's embedding is the same for any task.
constexpr FeatureSet kLocalFeatures = {Feature::kJson,
                                       Feature::kJsonSchema,
                                       Feature::kGrammar,
                                       Feature::kReasoning,
                                       Feature::kLogprobs,
                                       Feature::kPromptLogprobs,
                                       Feature::kTopK,
                                       Feature::kMinP,
                                       Feature::kRepetitionPenalty,
                                       Feature::kPresencePenalty,
                                       Feature::kFrequencyPenalty,
                                       Feature::kLogitBias,
                                       Feature::kSeed,
                                       Feature::kStop,
                                       Feature::kTextPrompt,
                                       Feature::kTokenPrompt,
                                       Feature::kIgnoreEnd,
                                       Feature::kEmbeddings,
                                       Feature::kEmbedTokens,
                                       Feature::kEmbedTasks};

// Something that a request asks for, and where: indices are -1 where they do not apply. `part` is
// an input's of embeddings.
struct FeatureUse {
  Feature feature;
  int message = -1;
  int part = -1;  // of the message's content
  int tool = -1;
};

// The first thing in the request that is not in `features`.
std::optional<FeatureUse> first_unmet(const GenerateRequest& request, FeatureSet features);
std::optional<FeatureUse> first_unmet(const EmbedRequest& request, FeatureSet features);

}  // namespace overtake
