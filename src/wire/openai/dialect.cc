#include "wire/openai/dialect.h"

#include <fmt/core.h>

#include "wire/openai/answer.h"
#include "wire/openai/error.h"
#include "wire/openai/request.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

// Of both dialects: chat completions' and completions' members have the same names.
std::string field_of(const FeatureUse& use) {
  switch (use.feature) {
    case Feature::kImages:
    case Feature::kAudio:
    case Feature::kFiles:
      return fmt::format("messages[{}].content[{}].type", use.message, use.part);
    case Feature::kTools:
    case Feature::kVendorTools:
      return "tools";
    case Feature::kForcedTools:
      return "tool_choice";
    case Feature::kJson:
    case Feature::kJsonSchema:
      return "response_format";
    case Feature::kGrammar:
      return "structured_outputs";
    case Feature::kReasoning:
      return "reasoning_effort";
    case Feature::kLogprobs:
      return "logprobs";
    case Feature::kPromptLogprobs:
      return "echo";
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
    case Feature::kTextPrompt:
    case Feature::kTokenPrompt:
      return "prompt";
    case Feature::kIgnoreEnd:
      return "ignore_eos";
    case Feature::kEmbeddings:  // of no completion
    case Feature::kEmbedTokens:
    case Feature::kEmbedTasks:
      break;
  }
  return "";
}

}  // namespace

const wire::Dialect chat_dialect = {"openai",           "chatcmpl-",      "text/event-stream",
                                    parse_chat_request, make_chat_writer, error_json,
                                    stream_error,       field_of};
const wire::Dialect completion_dialect = {"openai",
                                          "cmpl-",
                                          "text/event-stream",
                                          parse_completion_request,
                                          make_completion_writer,
                                          error_json,
                                          stream_error,
                                          field_of};

const wire::Dialect responses_dialect = {kResponsesName,         "resp_",
                                         "text/event-stream",    parse_responses_request,
                                         make_responses_writer,  responses_error_json,
                                         responses_stream_error, responses_field_of};

}  // namespace overtake::openai
