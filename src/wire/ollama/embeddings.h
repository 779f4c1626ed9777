// Ollama's /api/embed and the older /api/embeddings: requests in and answers out, for the server;
// and the first the other way, for calling.
#pragma once

#include <optional>

#include "wire/client_dialect.h"
#include "wire/embed_call.h"

namespace overtake::ollama {

extern const wire::EmbedDialect embed_dialect;       // POST /api/embed
extern const wire::EmbedDialect embeddings_dialect;  // POST /api/embeddings

// As wire::EmbedDialect::parse. A request without a text only asks that the model be ready: it has
// no inputs.
std::optional<wire::CallError> parse_embed_request(const Json& body, wire::EmbedCall* call);
std::optional<wire::CallError> parse_embeddings_request(const Json& body, wire::EmbedCall* call);
// As wire::ClientDialect's members.
Result<wire::Outgoing> write_embed(const EmbedRequest& request);
Result<wire::EmbedReply> read_embed(const Json& body);

}  // namespace overtake::ollama
