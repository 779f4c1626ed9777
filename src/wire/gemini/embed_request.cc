// Requests and answers of embedContent and batchEmbedContents.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/gemini/dialect.h"
#include "wire/gemini/embeddings.h"
#include "wire/gemini/names.h"

namespace overtake::gemini {
namespace {

// The texts of a content's parts, joined: they are one input.
std::string read_content(wire::Fields& fields) {
  const Json* object = fields.object("content");
  if (!object) {
    fields.invalid("content", "expected a content with parts");
    return {};
  }
  wire::Fields content(*object, fields.param("content") + ".");
  const Json* parts = content.array("parts");
  if (!parts || parts->empty()) content.invalid("parts", "expected a list of parts");
  std::string out;
  for (size_t i = 0; parts && i < parts->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", content.param("parts"), i);
    const auto text = (*parts)[i].is_object() ? (*parts)[i].find("text") : (*parts)[i].end();
    if (!(*parts)[i].is_object() || text == (*parts)[i].end() || !text->is_string()) {
      content.fail(wire::unsupported_field(path, path + ": only texts have embeddings here"));
      break;
    }
    out += text->get_ref<const std::string&>();
  }
  if (content.error()) fields.fail(*content.error());
  return out;
}

// One EmbedContentRequest.
void read_one(wire::Fields& fields, wire::EmbedCall* call) {
  EmbedRequest& request = call->request;
  std::string model = fields.string("model").value_or("");
  if (model.starts_with("models/")) model.erase(0, std::string_view("models/").size());
  if (!model.empty() && model != call->model) {
    fields.invalid("model", "it is not the model that the path names");
  }
  EmbedInput input;
  input.content = TextPrompt{read_content(fields)};
  input.task = fields.string(spelled(fields, "taskType")).value_or("");
  input.title = fields.string("title").value_or("");
  const std::string name = spelled(fields, "outputDimensionality");
  const auto dimensions = fields.integer(name, 1, std::numeric_limits<int32_t>::max());
  if (request.inputs.empty()) {
    request.dimensions = dimensions;
  } else if (request.dimensions != dimensions) {
    fields.unsupported(name, "all requests of a batch must want the same here");
  }
  request.inputs.push_back(std::move(input));
}

std::string write_vector(const wire::EmbedCall&, std::span<const float> values) {
  return R"({"values":)" + wire::floats_json(values) + "}";
}

std::string usage_json(const wire::EmbedAnswer& answer) {
  const int64_t n_tokens = answer.usage.prompt_tokens;
  if (n_tokens == 0) return {};  // it is not known: Google does not always say
  return fmt::format(R"(,"usageMetadata":{{"promptTokenCount":{},"totalTokenCount":{}}})", n_tokens,
                     n_tokens);
}

std::string write_answer(const wire::EmbedAnswer& answer) {
  return R"({"embedding":)" + answer.vectors.at(0) + usage_json(answer) + "}";
}

std::string write_batch_answer(const wire::EmbedAnswer& answer) {
  return R"({"embeddings":)" + wire::join_json(answer.vectors) + usage_json(answer) + "}";
}

std::string field_of(const FeatureUse& use) {
  return use.feature == Feature::kEmbedTasks ? "taskType" : "model";
}

std::string batch_field_of(const FeatureUse& use) {
  return use.part < 0 ? field_of(use) : fmt::format("requests[{}].{}", use.part, field_of(use));
}

}  // namespace

std::optional<wire::CallError> parse_embed_request(const Json& body, wire::EmbedCall* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  call->request.dialect = event_dialect.name;
  read_one(fields, call);
  return fields.error();
}

std::optional<wire::CallError> parse_batch_embed_request(const Json& body, wire::EmbedCall* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  call->request.dialect = event_dialect.name;
  const Json* requests = fields.array("requests");
  if (!requests || requests->empty() || requests->size() > kMaxEmbedInputs) {
    fields.invalid("requests", fmt::format("expected 1 to {} requests", kMaxEmbedInputs));
    return fields.error();
  }
  for (size_t i = 0; i < requests->size() && fields.ok(); ++i) {
    const std::string path = fmt::format("requests[{}]", i);
    const Json& one = (*requests)[i];
    if (!one.is_object()) {
      fields.invalid(path, "expected an object");
      break;
    }
    wire::Fields each(one, path + ".");
    read_one(each, call);
    if (each.error()) fields.fail(*each.error());
  }
  return fields.error();
}

const wire::EmbedDialect embed_dialect = {.errors = &event_dialect,
                                          .parse = parse_embed_request,
                                          .write_vector = write_vector,
                                          .write_answer = write_answer,
                                          .field_of = field_of};
const wire::EmbedDialect batch_embed_dialect = {.errors = &event_dialect,
                                                .parse = parse_batch_embed_request,
                                                .write_vector = write_vector,
                                                .write_answer = write_batch_answer,
                                                .field_of = batch_field_of};

}  // namespace overtake::gemini
