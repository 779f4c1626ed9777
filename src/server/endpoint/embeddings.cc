// POST /v1/embeddings
#include "wire/openai/embeddings.h"

#include "server/embed_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_embed(context, std::move(exchange), openai::embed_dialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_embeddings) = {"POST", "/v1/embeddings", handle};

}  // namespace overtake
