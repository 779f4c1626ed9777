// GET /v1/models/{id}; an id may hold slashes ("openai/gpt-4o").
#include "wire/anthropic/model.h"

#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/gemini/model.h"
#include "wire/openai/model.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/models/";

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const std::string name = exchange->request().path.substr(kPrefix.size());
  const auto generator = name.empty() ? nullptr : context.find_served(name);
  if (!generator) return reply_error(*exchange, wire::model_not_found(name));
  const GeneratorInfo& info = generator->info();
  const std::string_view dialect = dialect_of(exchange->request()).name;
  if (dialect == "gemini") return reply_json(*exchange, 200, gemini::model_json(info));
  if (dialect == "anthropic") return reply_json(*exchange, 200, anthropic::model_json(info));
  reply_json(*exchange, 200, openai::model_json(info));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_model) = {"GET", "/v1/models/*", handle};

}  // namespace overtake
