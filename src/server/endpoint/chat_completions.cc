// POST /v1/chat/completions
#include "server/completion_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  static constexpr CompletionDialect kDialect = {"chatcmpl-", openai::parse_chat_request,
                                                 openai::make_chat_writer};
  run_completion(context, std::move(exchange), kDialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_chat_completions) = {"POST", "/v1/chat/completions", handle};

}  // namespace overtake
