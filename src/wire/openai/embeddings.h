// POST /v1/embeddings: requests in and answers out, for the server; and the other way, for calling.
#pragma once

#include <optional>
#include <string>

#include "wire/client_dialect.h"
#include "wire/embed_call.h"

namespace overtake::openai {

extern const wire::EmbedDialect embed_dialect;

// As wire::EmbedDialect::parse.
std::optional<wire::CallError> parse_embed_request(const Json& body, wire::EmbedCall* call);
// As wire::ClientDialect's members.
Result<wire::Outgoing> write_embed(const EmbedRequest& request);
Result<wire::EmbedReply> read_embed(const Json& body);

}  // namespace overtake::openai
