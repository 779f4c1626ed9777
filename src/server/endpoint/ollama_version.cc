// GET /api/version: this program's own, by which Ollama's clients greet a server.
#include <nlohmann/json.hpp>

#include "server/endpoint.h"
#include "server/reply.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  reply_json(*exchange, 200, Json{{"version", OVERTAKE_VERSION}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_version) = {"GET", "/api/version", handle};

}  // namespace overtake
