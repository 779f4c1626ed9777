// POST /api/embeddings: the older form of /api/embed, of one text.
#include "server/embed_run.h"
#include "wire/ollama/embeddings.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_embed(context, std::move(exchange), ollama::embeddings_dialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_ollama_embeddings) = {"POST", "/api/embeddings", handle};

}  // namespace overtake
