// GET /healthz: the process lives.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  reply_json(*exchange, 200, Json{{"status", "ok"}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_healthz) = {"GET", "/healthz", handle};

}  // namespace overtake
