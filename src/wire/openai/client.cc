#include "wire/openai/client.h"

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
                                  Feature::kStop};
// Fields that OpenAI refuses and the others have added, by the names that vLLM gave them.
constexpr FeatureSet kCompatibleFeatures = kFeatures.with(
    {Feature::kTopK, Feature::kMinP, Feature::kRepetitionPenalty, Feature::kIgnoreEnd});

}  // namespace

const wire::ClientDialect client_dialect = {
    "openai", kFeatures, write_chat_request, make_chat_reader, read_error, "/models", read_models};
const wire::ClientDialect compatible_client_dialect = {
    "openai",  kCompatibleFeatures, write_compatible_request, make_chat_reader, read_error,
    "/models", read_models};

}  // namespace overtake::openai
