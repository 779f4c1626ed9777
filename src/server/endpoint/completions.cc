// POST /v1/completions
#include "server/completion_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  static constexpr CompletionDialect kDialect = {"cmpl-", openai::parse_completion_request,
                                                 openai::make_completion_writer};
  run_completion(context, std::move(exchange), kDialect);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_completions) = {"POST", "/v1/completions", handle};

}  // namespace overtake
