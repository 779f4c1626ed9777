// GET /v1beta/models: what is served, the default first.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/gemini/model.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  reply_json(*exchange, 200, gemini::model_list_json(context.generators));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_gemini_models) = {"GET", "/v1beta/models", handle};

}  // namespace overtake
