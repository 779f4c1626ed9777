// The request and the answer of POST /v1/embeddings.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/openai/dialect.h"
#include "wire/openai/embeddings.h"

namespace overtake::openai {
namespace {

constexpr const char* kExpected =
    "expected a string, an array of strings, of token ids, or of arrays of token ids";

// [1, 2, 3]; nullopt, with the error in `fields`, for anything else.
std::optional<EmbedInput> read_ids(const Json& array, wire::Fields& fields) {
  TokenPrompt prompt;
  prompt.ids.reserve(array.size());
  for (const Json& id : array) {
    const bool fits = id.is_number_unsigned() &&
                      id.get<uint64_t>() <= uint64_t{std::numeric_limits<int32_t>::max()};
    if (!fits) {
      fields.invalid("input", "a token id is an integer from 0 to 2147483647");
      return std::nullopt;
    }
    prompt.ids.push_back(id.get<int32_t>());
  }
  return EmbedInput{std::move(prompt)};
}

void read_input(wire::Fields& fields, std::vector<EmbedInput>* out) {
  const Json* input = fields.find("input");
  if (!input) return fields.invalid("input", kExpected);
  if (input->is_string()) {
    out->push_back({TextPrompt{input->get<std::string>()}});
    return;
  }
  if (!input->is_array() || input->empty()) return fields.invalid("input", kExpected);
  if (input->front().is_number()) {
    if (auto ids = read_ids(*input, fields)) out->push_back(std::move(*ids));
    return;
  }
  if (input->size() > kMaxEmbedInputs) {
    return fields.invalid("input", fmt::format("at most {} inputs", kMaxEmbedInputs));
  }
  for (const Json& one : *input) {
    if (one.is_string()) {
      out->push_back({TextPrompt{one.get<std::string>()}});
    } else if (one.is_array() && !one.empty()) {
      if (auto ids = read_ids(one, fields)) out->push_back(std::move(*ids));
    } else {
      return fields.invalid("input", kExpected);
    }
  }
}

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
  read_input(fields, &request.inputs);
  request.extra = fields.extra({"model", "input", "user", "dimensions", "encoding_format"});
  return fields.error();
}

const wire::EmbedDialect embed_dialect = {.errors = &chat_dialect,
                                          .parse = parse_embed_request,
                                          .write_vector = write_vector,
                                          .write_answer = write_answer,
                                          .field_of = field_of};

}  // namespace overtake::openai
