// GET /api/ps: what is in memory, which is all that is served.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/ollama/model.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  Json models = Json::array();
  for (const auto& generator : context.generators) {
    models.push_back(ollama::running_json(generator->info()));
  }
  reply_json(*exchange, 200, Json{{"models", std::move(models)}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_ps) = {"GET", "/api/ps", handle};

}  // namespace overtake
