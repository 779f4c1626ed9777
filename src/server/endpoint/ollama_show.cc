// POST /api/show: one model.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/fields.h"
#include "wire/ollama/dialect.h"
#include "wire/ollama/model.h"
#include "wire/ollama/request.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const auto fail = [&](const wire::CallError& error) {
    reply_error(*exchange, error, ollama::chat_dialect);
  };
  const auto body = parse_json(exchange->request().body, "request body");
  if (!body.ok()) return fail(wire::to_call_error(body.error()));
  if (!body->is_object()) {
    return fail(wire::plain_error(400, "the request's body is not a JSON object"));
  }
  wire::Fields fields(*body);
  const auto name = fields.string(fields.find("model") ? "model" : "name");  // its older name
  if (!name) fields.invalid("model", "expected the name of a model");
  if (fields.error()) return fail(*fields.error());
  const auto generator = context.find(ollama::model_name(*name));
  if (!generator || name->empty()) return fail(wire::model_not_found(*name));
  reply_json(*exchange, 200, ollama::show_json(generator->info()));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_show) = {"POST", "/api/show", handle};

}  // namespace overtake
