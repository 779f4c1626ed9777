// POST /v1/messages
#include "server/completion_run.h"
#include "wire/anthropic/dialect.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_completion(context, std::move(exchange), anthropic::messages_dialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_messages) = {"POST", "/v1/messages", handle};

}  // namespace overtake
