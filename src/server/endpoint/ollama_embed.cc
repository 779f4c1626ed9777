// POST /api/embed
#include "server/embed_run.h"
#include "wire/ollama/embeddings.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_embed(context, std::move(exchange), ollama::embed_dialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_embed) = {"POST", "/api/embed", handle};

}  // namespace overtake
