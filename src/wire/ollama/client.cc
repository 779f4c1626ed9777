// Ollama's errors and lists of models, and what its requests can say.
#include "wire/ollama/client.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "wire/ollama/embeddings.h"
#include "wire/upstream_answer.h"

namespace overtake::ollama {
namespace {}  // namespace

// {"error": "..."}
FailedEvent read_error(const HttpResponseHead& head, std::string_view body) {
  const auto json = parse_json(body, "error");
  std::string message = json.ok() ? wire::string_member(*json, "error") : std::string();
  if (message.empty()) return wire::unexplained_failure(head.status);
  const bool is_too_long =
      head.status == 400 && message.find("context length") != std::string::npos;
  if (head.status == 404) message += "; fetch it with `ollama pull` where Ollama runs";
  FailedEvent out = wire::upstream_failure(head.status, {}, std::move(message));
  if (is_too_long) out.error.code = ErrorCode::kContextLength;
  return out;
}

Result<std::vector<std::string>> read_models(std::string_view body) {
  const Json json = TRY(parse_json(body, "list of models"));
  return wire::model_names(wire::member(json, "models"), {"name", "model"});
}

const wire::ClientDialect client_dialect = {
    .name = "ollama",
    .features = {Feature::kImages, Feature::kTools, Feature::kJson, Feature::kJsonSchema,
                 Feature::kReasoning, Feature::kLogprobs, Feature::kTopK, Feature::kMinP,
                 Feature::kRepetitionPenalty, Feature::kPresencePenalty, Feature::kFrequencyPenalty,
                 Feature::kSeed, Feature::kStop, Feature::kTextPrompt, Feature::kEmbeddings},
    .write_request = write_request,
    .make_reader = make_reader,
    .read_error = read_error,
    .models_path = "/api/tags",
    .read_models = read_models,
    .stream_type = "application/x-ndjson",
    .write_embed = write_embed,
    .read_embed = read_embed};

}  // namespace overtake::ollama
