// GET /v1/models/{id}; an id may hold slashes ("openai/gpt-4o").
#include "wire/anthropic/model.h"

#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/openai/model.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/models/";

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const std::string name = exchange->request().path.substr(kPrefix.size());
  const auto generator = name.empty() ? nullptr : context.find(name);
  if (!generator) return reply_error(*exchange, wire::model_not_found(name));
  const bool is_anthropic = dialect_of(exchange->request()).name == "anthropic";
  reply_json(*exchange, 200,
             is_anthropic ? anthropic::model_json(generator->info())
                          : openai::model_json(generator->info()));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_model) = {"GET", "/v1/models/*", handle};

}  // namespace overtake
