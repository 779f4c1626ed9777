// POST /api/chat
#include "server/ollama_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_ollama(context, std::move(exchange), true);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_chat) = {"POST", "/api/chat", handle};

}  // namespace overtake
