// POST /api/generate
#include "server/ollama_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_ollama(context, std::move(exchange), false);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_generate) = {"POST", "/api/generate", handle};

}  // namespace overtake
