// POST /v1/messages/count_tokens: how long a request to /v1/messages would be.
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "server/completion_run.h"
#include "server/reply.h"
#include "wire/anthropic/dialect.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const wire::Dialect& dialect = anthropic::count_dialect;
  wire::Call call;
  const auto generator = read_call(context, *exchange, dialect, &call);
  if (!generator) return;
  const GenerateRequest request = call.choice_request(0);
  if (const auto unmet = find_unmet(request, call, dialect, generator->info())) {
    return reply_error(*exchange, *unmet, dialect);
  }
  const auto count = generator->count_tokens(request);
  if (!count.ok()) {
    const wire::CallError error = wire::to_call_error(count.error());
    if (error.status >= 500) {
      log(LogLevel::kError, exchange->request().id + " " + count.error().message);
    }
    return reply_error(*exchange, error, dialect);
  }
  reply_json(*exchange, 200, Json{{"input_tokens", *count}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_message_tokens) = {"POST", "/v1/messages/count_tokens", handle};

}  // namespace overtake
