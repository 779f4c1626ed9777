#include "wire/gemini/dialect.h"

#include "wire/gemini/answer.h"
#include "wire/gemini/error.h"
#include "wire/gemini/request.h"

namespace overtake::gemini {
namespace {

std::string field_of(const FeatureUse& use) {
  switch (use.feature) {
    case Feature::kImages:
    case Feature::kAudio:
    case Feature::kFiles:
      return "contents";  // Call::member_of says which
    case Feature::kTools:
    case Feature::kVendorTools:
      return "tools";
    case Feature::kForcedTools:
      return "toolConfig.functionCallingConfig.mode";
    case Feature::kJson:
      return "generationConfig.responseMimeType";
    case Feature::kJsonSchema:
    case Feature::kGrammar:
      return "generationConfig.responseSchema";
    case Feature::kReasoning:
      return "generationConfig.thinkingConfig";
    case Feature::kLogprobs:
      return "generationConfig.responseLogprobs";
    case Feature::kTopK:
      return "generationConfig.topK";
    case Feature::kPresencePenalty:
      return "generationConfig.presencePenalty";
    case Feature::kFrequencyPenalty:
      return "generationConfig.frequencyPenalty";
    case Feature::kSeed:
      return "generationConfig.seed";
    case Feature::kStop:
      return "generationConfig.stopSequences";
    case Feature::kPromptLogprobs:  // the rest has no place in a request
    case Feature::kMinP:
    case Feature::kRepetitionPenalty:
    case Feature::kLogitBias:
    case Feature::kTextPrompt:
    case Feature::kTokenPrompt:
    case Feature::kIgnoreEnd:
    case Feature::kEmbeddings:
    case Feature::kEmbedTokens:
    case Feature::kEmbedTasks:
      break;
  }
  return "";
}

}  // namespace

const wire::Dialect event_dialect = {
    "gemini",          "",         "text/event-stream", parse_request,
    make_event_writer, error_json, event_error,         field_of};
const wire::Dialect array_dialect = {
    "gemini",          "",         "application/json", parse_request,
    make_array_writer, error_json, array_error,        field_of};

const wire::Dialect count_dialect = {
    "gemini", "", "", parse_count_request, make_event_writer, error_json, event_error, field_of};

}  // namespace overtake::gemini
