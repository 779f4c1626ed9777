#include "wire/anthropic/client.h"

#include "wire/anthropic/client_content.h"

namespace overtake::anthropic {
namespace {

constexpr FeatureSet kFeatures = {
    Feature::kImages,      Feature::kFiles,       Feature::kTools,
    Feature::kForcedTools, Feature::kVendorTools, Feature::kJsonSchema,
    Feature::kReasoning,   Feature::kTopK,        Feature::kStop};

constexpr wire::ClientDialect make_dialect() {
  wire::ClientDialect out{};
  out.name = kDialectName;
  out.features = kFeatures;
  out.write_request = write_messages_request;
  out.make_reader = make_messages_reader;
  out.read_error = read_error;
  out.models_path = "/v1/models?limit=1000";
  out.read_models = read_models;
  out.models_header = {kVersionHeader, kVersion};
  out.write_count = write_count_request;
  out.read_count = read_count;
  return out;
}

}  // namespace

const wire::ClientDialect client_dialect = make_dialect();

}  // namespace overtake::anthropic
