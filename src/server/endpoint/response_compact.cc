// POST /v1/responses/compact: refused by name.
#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/call_error.h"

namespace overtake {
namespace {

void handle(const ServerContext&, std::shared_ptr<HttpExchange> exchange) {
  wire::CallError error = wire::plain_error(
      400,
      "/v1/responses/compact is not served: no model here makes the encrypted summary that it "
      "answers with; send truncation \"auto\" with the next request, or a summary as its input");
  error.code = "unsupported_operation";
  reply_error(*exchange, error);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_response_compact) = {"POST", "/v1/responses/compact", handle};

}  // namespace overtake
