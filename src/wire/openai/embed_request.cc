// The request and the answer of POST /v1/embeddings.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/openai/dialect.h"
#include "wire/openai/embeddings.h"
#include "wire/openai/prompt_list.h"

namespace overtake::openai {
namespace {

std::string write_vector(const wire::EmbedCall& call, std::span<const float> values) {
  return call.base64 ? '"' + wire::floats_base64(values) + '"' : wire::floats_json(values);
}

std::string write_answer(const wire::EmbedAnswer& answer) {
  std::string out = R"({"object":"list","data":[)";
  for (size_t i = 0; i < answer.vectors.size(); ++i) {
    out += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":)", i > 0 ? "," : "", i);
    out += answer.vectors[i] + "}";
  }
  const int64_t n_tokens = answer.usage.prompt_tokens;
  return out + fmt::format(R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
                           dump_json(Json(answer.model)), n_tokens, n_tokens);
}

std::string field_of(const FeatureUse& use) {
  return use.feature == Feature::kEmbeddings ? "model" : "input";
}

}  // namespace

std::optional<wire::CallError> parse_embed_request(const Json& body, wire::EmbedCall* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  EmbedRequest& request = call->request;
  request.dialect = chat_dialect.name;
  call->model = fields.string("model").value_or("");
  request.end_user = fields.string("user").value_or("");
  request.dimensions = fields.integer("dimensions", 1, std::numeric_limits<int32_t>::max());
  const std::string encoding = fields.string("encoding_format").value_or("float");
  if (encoding != "float" && encoding != "base64") {
    fields.invalid("encoding_format", "expected float or base64");
  }
  call->base64 = encoding == "base64";
  for (PlainPrompt& input : read_prompts(fields, "input", kMaxEmbedInputs)) {
    request.inputs.push_back({std::move(input)});
  }
  request.extra = fields.extra({"model", "input", "user", "dimensions", "encoding_format"});
  return fields.error();
}

const wire::EmbedDialect embed_dialect = {.errors = &chat_dialect,
                                          .parse = parse_embed_request,
                                          .write_vector = write_vector,
                                          .write_answer = write_answer,
                                          .field_of = field_of};

}  // namespace overtake::openai
