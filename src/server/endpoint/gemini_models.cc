// GET /v1beta/models: what is served, the default first.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/gemini/model.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  Json models = Json::array();
  for (const auto& generator : context.generators) {
    models.push_back(gemini::model_json(generator->info()));
  }
  reply_json(*exchange, 200, Json{{"models", std::move(models)}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_gemini_models) = {"GET", "/v1beta/models", handle};

}  // namespace overtake
