#include "wire/openai/client.h"

#include "wire/openai/embeddings.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

constexpr FeatureSet kFeatures = {Feature::kImages,
                                  Feature::kAudio,
                                  Feature::kFiles,
                                  Feature::kTools,
                                  Feature::kForcedTools,
                                  Feature::kVendorTools,
                                  Feature::kJson,
                                  Feature::kJsonSchema,
                                  Feature::kReasoning,
                                  Feature::kLogprobs,
                                  Feature::kPresencePenalty,
                                  Feature::kFrequencyPenalty,
                                  Feature::kLogitBias,
                                  Feature::kSeed,
                                  Feature::kStop,
                                  Feature::kEmbeddings,
                                  Feature::kEmbedTokens};
// Responses know no penalties, seeds and stop strings, and take no sound.
constexpr FeatureSet kResponsesFeatures = {
    Feature::kImages,      Feature::kFiles,       Feature::kTools,
    Feature::kForcedTools, Feature::kVendorTools, Feature::kJson,
    Feature::kJsonSchema,  Feature::kReasoning,   Feature::kLogprobs};
// Fields that OpenAI refuses and the others have added, by the names that vLLM gave them.
constexpr FeatureSet kCompatibleFeatures =
    kFeatures.with({Feature::kTopK, Feature::kMinP, Feature::kRepetitionPenalty,
                    Feature::kIgnoreEnd, Feature::kGrammar});

}  // namespace

const wire::ClientDialect client_dialect = {.name = "openai",
                                            .features = kFeatures,
                                            .write_request = write_chat_request,
                                            .make_reader = make_chat_reader,
                                            .read_error = read_error,
                                            .models_path = "/models",
                                            .read_models = read_models,
                                            .write_count = write_count_request,
                                            .read_count = read_count,
                                            .write_embed = write_embed,
                                            .read_embed = read_embed};
const wire::ClientDialect responses_client_dialect = {.name = kResponsesName,
                                                      .features = kResponsesFeatures,
                                                      .write_request = write_responses_request,
                                                      .make_reader = make_responses_reader,
                                                      .read_error = read_error,
                                                      .models_path = "/models",
                                                      .read_models = read_models,
                                                      .write_count = write_count_request,
                                                      .read_count = read_count};
const wire::ClientDialect compatible_client_dialect = {.name = "openai",
                                                       .features = kCompatibleFeatures,
                                                       .write_request = write_compatible_request,
                                                       .make_reader = make_chat_reader,
                                                       .read_error = read_error,
                                                       .models_path = "/models",
                                                       .read_models = read_models,
                                                       .write_embed = write_embed,
                                                       .read_embed = read_embed};

}  // namespace overtake::openai
