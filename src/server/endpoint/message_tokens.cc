// POST /v1/messages/count_tokens: how long a request to /v1/messages would be.
#include "server/count_run.h"
#include "wire/anthropic/dialect.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_count(context, std::move(exchange), anthropic::count_dialect, {"input_tokens"});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_message_tokens) = {"POST", "/v1/messages/count_tokens", handle};

}  // namespace overtake
