// POST /v1/responses/input_tokens: how long a request to /v1/responses would be.
#include "server/responses_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  count_responses(context, std::move(exchange));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_response_tokens) = {"POST", "/v1/responses/input_tokens", handle};

}  // namespace overtake
