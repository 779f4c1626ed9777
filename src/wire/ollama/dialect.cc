#include "wire/ollama/dialect.h"

#include <fmt/core.h>

#include "wire/ollama/answer.h"
#include "wire/ollama/error.h"
#include "wire/ollama/request.h"

namespace overtake::ollama {
namespace {

std::string field_of(const FeatureUse& use) {
  switch (use.feature) {
    case Feature::kImages:
      return "images";
    case Feature::kTools:
    case Feature::kForcedTools:
    case Feature::kVendorTools:
      return "tools";
    case Feature::kJson:
    case Feature::kJsonSchema:
    case Feature::kGrammar:
      return "format";
    case Feature::kReasoning:
      return "think";
    case Feature::kLogprobs:
      return "logprobs";
    case Feature::kTopK:
      return "options.top_k";
    case Feature::kMinP:
      return "options.min_p";
    case Feature::kRepetitionPenalty:
      return "options.repeat_penalty";
    case Feature::kPresencePenalty:
      return "options.presence_penalty";
    case Feature::kFrequencyPenalty:
      return "options.frequency_penalty";
    case Feature::kSeed:
      return "options.seed";
    case Feature::kStop:
      return "options.stop";
    case Feature::kTextPrompt:
      return "raw";
    case Feature::kAudio:  // the rest has no place in a request
    case Feature::kFiles:
    case Feature::kPromptLogprobs:
    case Feature::kLogitBias:
    case Feature::kTokenPrompt:
    case Feature::kIgnoreEnd:
    case Feature::kEmbeddings:
    case Feature::kEmbedTokens:
    case Feature::kEmbedTasks:
      break;
  }
  return "";
}

std::string chat_field_of(const FeatureUse& use) {
  const std::string field = field_of(use);
  return field == "images" ? fmt::format("messages[{}].images", use.message) : field;
}

}  // namespace

const wire::Dialect chat_dialect = {
    "ollama",         "",         "application/x-ndjson", parse_chat_request,
    make_chat_writer, error_json, stream_error,           chat_field_of};
const wire::Dialect generate_dialect = {"ollama",
                                        "",
                                        "application/x-ndjson",
                                        parse_generate_request,
                                        make_generate_writer,
                                        error_json,
                                        stream_error,
                                        field_of};

}  // namespace overtake::ollama
