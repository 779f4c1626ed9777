// POST /v1/chat/completions
#include "server/completion_run.h"
#include "wire/openai/dialect.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_completion(context, std::move(exchange), openai::chat_dialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_chat_completions) = {"POST", "/v1/chat/completions", handle};

}  // namespace overtake
