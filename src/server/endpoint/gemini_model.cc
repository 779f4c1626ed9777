// GET /v1beta/models/{model}
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"
#include "wire/gemini/dialect.h"
#include "wire/gemini/model.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  constexpr std::string_view kPrefix = "/v1beta/models/";
  const std::string name = exchange->request().path.substr(kPrefix.size());
  const auto generator = name.empty() ? nullptr : context.find_served(name);
  if (!generator) {
    return reply_error(*exchange, wire::model_not_found(name), gemini::event_dialect);
  }
  reply_json(*exchange, 200, gemini::model_json(generator->info()));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_gemini_model) = {"GET", "/v1beta/models/*", handle};

}  // namespace overtake
