// DELETE /v1/responses/{id}; one that still runs in the background is cancelled.
#include <nlohmann/json.hpp>

#include "server/reply.h"
#include "server/responses_run.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/responses/";

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const std::string id = exchange->request().path.substr(kPrefix.size());
  const std::string tenant = tenant_of(*exchange);
  const auto running = context.background->find(tenant, id);
  const bool was_here = running && !running->body.empty();
  if (running) context.background->erase(tenant, id);
  if (!context.responses->erase(tenant, id) && !was_here) {
    return reply_error(*exchange, response_not_found("response_id", id));
  }
  reply_json(*exchange, 200, Json{{"id", id}, {"object", "response"}, {"deleted", true}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_response_delete) = {"DELETE", "/v1/responses/*", handle};

}  // namespace overtake
