// GET /v1/models: what is served, the default first; in Anthropic's or Gemini's shape for their
// clients.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/anthropic/model.h"
#include "wire/gemini/model.h"
#include "wire/openai/model.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const std::string_view dialect = dialect_of(exchange->request()).name;
  if (dialect == "gemini") {
    return reply_json(*exchange, 200, gemini::model_list_json(context.generators));
  }
  if (dialect == "anthropic") {
    return reply_json(*exchange, 200, anthropic::model_list_json(context.generators));
  }
  Json body;
  body["object"] = "list";
  Json& list = body["data"] = Json::array();
  for (const auto& generator : context.generators) {
    list.push_back(openai::model_json(generator->info()));
  }
  reply_json(*exchange, 200, body);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_models) = {"GET", "/v1/models", handle};

}  // namespace overtake
