#include "wire/gemini/client.h"

#include "wire/gemini/embeddings.h"

namespace overtake::gemini {
namespace {

constexpr FeatureSet kFeatures = {
    Feature::kImages,           Feature::kAudio,       Feature::kFiles, Feature::kTools,
    Feature::kForcedTools,      Feature::kVendorTools, Feature::kJson,  Feature::kJsonSchema,
    Feature::kReasoning,        Feature::kLogprobs,    Feature::kTopK,  Feature::kPresencePenalty,
    Feature::kFrequencyPenalty, Feature::kSeed,        Feature::kStop,  Feature::kEmbeddings,
    Feature::kEmbedTasks};

}  // namespace

const wire::ClientDialect client_dialect = {.name = "gemini",
                                            .features = kFeatures,
                                            .write_request = write_request,
                                            .make_reader = make_reader,
                                            .read_error = read_error,
                                            .models_path = "/v1beta/models?pageSize=1000",
                                            .read_models = read_models,
                                            .write_count = write_count,
                                            .read_count = read_count,
                                            .next_models_path = next_models_path,
                                            .write_embed = write_embed,
                                            .read_embed = read_embed};

}  // namespace overtake::gemini
