// GET /readyz: models are loaded and new requests are welcome.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const bool ready = !context.draining && !context.generators.empty();
  Json body;
  body["status"] = ready ? "ready" : context.draining ? "draining" : "loading";
  reply_json(*exchange, ready ? 200 : 503, body);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_readyz) = {"GET", "/readyz", handle};

}  // namespace overtake
