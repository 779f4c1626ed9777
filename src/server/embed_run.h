// EmbedRun: one call for embeddings, from its request's bytes to its answer.
#pragma once

#include <memory>

#include "net/http_server.h"
#include "server/endpoint.h"
#include "wire/embed_call.h"

namespace overtake {

// Answers once the model has given all vectors; a client that leaves cancels them. `call` holds
// what the route says.
void run_embed(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
               const wire::EmbedDialect& dialect, wire::EmbedCall call = {});

}  // namespace overtake
