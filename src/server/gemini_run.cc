#include "server/gemini_run.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "server/completion_run.h"
#include "server/reply.h"
#include "wire/gemini/dialect.h"
#include "wire/gemini/request.h"

namespace overtake {
namespace {

bool wants_events(std::string_view query) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    if (one == "alt=sse" || one == "$alt=sse" || one == "%24alt=sse") return true;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

void count_tokens(const ServerContext& context, HttpExchange& exchange, wire::Call call) {
  const wire::Dialect& dialect = gemini::count_dialect;
  const auto generator = read_call(context, exchange, dialect, &call);
  if (!generator) return;
  const GenerateRequest request = call.choice_request(0);
  if (const auto unmet = find_unmet(request, call, dialect, generator->info())) {
    return reply_error(exchange, *unmet, dialect);
  }
  const auto count = generator->count_tokens(request);
  if (!count.ok()) {
    const wire::CallError error = wire::to_call_error(count.error());
    if (error.status >= 500) {
      log(LogLevel::kError, exchange.request().id + " " + count.error().message);
    }
    return reply_error(exchange, error, dialect);
  }
  reply_json(exchange, 200, Json{{"totalTokens", *count}});
}

}  // namespace

void run_gemini(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                std::string_view prefix) {
  const HttpRequest& request = exchange->request();
  const gemini::Route route =
      gemini::parse_route(std::string_view(request.path).substr(prefix.size()));
  wire::Call call;
  call.model = route.model;
  call.stream = route.method == "streamGenerateContent";
  if (call.model.empty()) {
    return reply_error(*exchange, wire::plain_error(404, "the path names no model"),
                       gemini::event_dialect);
  }
  if (route.method == "countTokens") return count_tokens(context, *exchange, std::move(call));
  if (!call.stream && route.method != "generateContent") {
    return reply_error(
        *exchange,
        wire::plain_error(404, fmt::format("there is no POST {} here; a model takes "
                                           "generateContent, streamGenerateContent, countTokens",
                                           request.path)),
        gemini::event_dialect);
  }
  const wire::Dialect& dialect =
      wants_events(request.query) ? gemini::event_dialect : gemini::array_dialect;
  run_completion(context, std::move(exchange), dialect, std::move(call));
}

}  // namespace overtake
