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
  const auto fail = [&](const wire::CallError& error) {
    reply_error(exchange, error, gemini::event_dialect);
  };
  const auto body = parse_json(exchange.request().body, "request body");
  if (!body.ok()) return fail(wire::to_call_error(body.error()));
  if (const auto error = gemini::parse_count_request(*body, &call)) return fail(*error);
  const auto generator = context.find(call.model);
  if (!generator) return fail(wire::model_not_found(call.model));
  const GenerateRequest request = call.choice_request(0);
  if (const auto unmet = first_unmet(request, generator->info().features)) {
    const std::string field = gemini::event_dialect.field_of(*unmet);
    return fail(wire::unsupported_field(
        field, fmt::format("{}: {} does not support {}", field, generator->info().name,
                           feature_name(unmet->feature))));
  }
  const auto n_tokens = generator->count_tokens(request);
  if (!n_tokens.ok()) {
    const wire::CallError error = wire::to_call_error(n_tokens.error());
    if (error.status >= 500) {
      log(LogLevel::kError, exchange.request().id + " " + n_tokens.error().message);
    }
    return fail(error);
  }
  reply_json(exchange, 200, Json{{"totalTokens", *n_tokens}});
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
