// POST /v1/responses
#include "server/responses_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_responses(context, std::move(exchange));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_responses) = {"POST", "/v1/responses", handle};

}  // namespace overtake
