// Gemini's embedContent and batchEmbedContents: requests in and answers out, for the server; and
// the other way, for calling.
#pragma once

#include <optional>
#include <string_view>

#include "wire/client_dialect.h"
#include "wire/embed_call.h"

namespace overtake::gemini {

extern const wire::EmbedDialect embed_dialect;        // embedContent
extern const wire::EmbedDialect batch_embed_dialect;  // batchEmbedContents

// As wire::EmbedDialect::parse; the model is the route's.
std::optional<wire::CallError> parse_embed_request(const Json& body, wire::EmbedCall* call);
std::optional<wire::CallError> parse_batch_embed_request(const Json& body, wire::EmbedCall* call);
// As wire::ClientDialect's members; always a batch.
Result<wire::Outgoing> write_embed(const EmbedRequest& request);
Result<wire::EmbedReply> read_embed(const Json& body);

}  // namespace overtake::gemini
