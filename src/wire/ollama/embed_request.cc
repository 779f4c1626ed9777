// Requests and answers of Ollama's /api/embed and /api/embeddings.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/ollama/dialect.h"
#include "wire/ollama/embeddings.h"
#include "wire/ollama/request.h"

namespace overtake::ollama {
namespace {

constexpr const char* kExpected = "expected a string or an array of strings";

void read_model(wire::Fields& fields, wire::EmbedCall* call) {
  call->request.dialect = chat_dialect.name;
  const auto model = fields.string("model");
  if (!model || model->empty()) fields.invalid("model", "expected the name of a model");
  call->model = model_name(model.value_or(""));
}

void read_input(wire::Fields& fields, std::vector<EmbedInput>* out) {
  const Json* input = fields.find("input");
  if (!input) return;
  if (input->is_string()) {
    if (!input->get_ref<const std::string&>().empty()) {
      out->push_back({TextPrompt{input->get<std::string>()}});
    }
    return;
  }
  if (!input->is_array()) return fields.invalid("input", kExpected);
  if (input->size() > kMaxEmbedInputs) {
    return fields.invalid("input", fmt::format("at most {} inputs", kMaxEmbedInputs));
  }
  for (const Json& one : *input) {
    if (!one.is_string()) return fields.invalid("input", kExpected);
    out->push_back({TextPrompt{one.get<std::string>()}});
  }
}

std::string write_vector(const wire::EmbedCall&, std::span<const float> values) {
  return wire::floats_json(values);
}

// Ollama's clients hand on members that they do not know: this one says of which inputs the end was
// left out, which Ollama itself does not tell.
std::string truncated_json(const wire::EmbedAnswer& answer) {
  return answer.truncated.empty() ? "" : R"(,"truncated":)" + dump_json(Json(answer.truncated));
}

std::string write_embed_answer(const wire::EmbedAnswer& answer) {
  return fmt::format(R"({{"model":{},"embeddings":{},"total_duration":{},"load_duration":0,)"
                     R"("prompt_eval_count":{}{}}})",
                     dump_json(Json(answer.model)), wire::join_json(answer.vectors),
                     answer.total_us * 1000, answer.usage.prompt_tokens, truncated_json(answer));
}

std::string write_embeddings_answer(const wire::EmbedAnswer& answer) {
  return R"({"embedding":)" + (answer.vectors.empty() ? "[]" : answer.vectors[0]) +
         truncated_json(answer) + "}";
}

std::string field_of(const FeatureUse& use) {
  return use.feature == Feature::kEmbeddings ? "model" : "input";
}

}  // namespace

std::optional<wire::CallError> parse_embed_request(const Json& body, wire::EmbedCall* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  read_model(fields, call);
  read_input(fields, &call->request.inputs);
  call->request.truncate = fields.boolean("truncate").value_or(true);
  call->request.dimensions = fields.integer("dimensions", 1, std::numeric_limits<int32_t>::max());
  call->request.extra = fields.extra({"model", "input", "truncate", "dimensions"});
  return fields.error();
}

std::optional<wire::CallError> parse_embeddings_request(const Json& body, wire::EmbedCall* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  read_model(fields, call);
  auto prompt = fields.string("prompt").value_or("");
  if (!prompt.empty()) call->request.inputs.push_back({TextPrompt{std::move(prompt)}});
  call->request.truncate = true;  // as Ollama does here
  call->request.extra = fields.extra({"model", "prompt"});
  return fields.error();
}

const wire::EmbedDialect embed_dialect = {.errors = &chat_dialect,
                                          .parse = parse_embed_request,
                                          .write_vector = write_vector,
                                          .write_answer = write_embed_answer,
                                          .field_of = field_of};
const wire::EmbedDialect embeddings_dialect = {.errors = &chat_dialect,
                                               .parse = parse_embeddings_request,
                                               .write_vector = write_vector,
                                               .write_answer = write_embeddings_answer,
                                               .field_of = field_of};

}  // namespace overtake::ollama
