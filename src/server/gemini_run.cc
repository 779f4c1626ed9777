#include "server/gemini_run.h"

#include <fmt/core.h>

#include "server/completion_run.h"
#include "server/count_run.h"
#include "server/embed_run.h"
#include "server/reply.h"
#include "wire/gemini/dialect.h"
#include "wire/gemini/embeddings.h"
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
  if (route.method == "countTokens") {
    return run_count(context, std::move(exchange), gemini::count_dialect, {"totalTokens"},
                     std::move(call));
  }
  const bool is_batch = route.method == "batchEmbedContents";
  if (is_batch || route.method == "embedContent") {
    return run_embed(context, std::move(exchange),
                     is_batch ? gemini::batch_embed_dialect : gemini::embed_dialect,
                     {.model = route.model});
  }
  if (!call.stream && route.method != "generateContent") {
    return reply_error(
        *exchange,
        wire::plain_error(404, fmt::format("there is no POST {} here; a model takes "
                                           "generateContent, streamGenerateContent, countTokens, "
                                           "embedContent, batchEmbedContents",
                                           request.path)),
        gemini::event_dialect);
  }
  const wire::Dialect& dialect =
      wants_events(request.query) ? gemini::event_dialect : gemini::array_dialect;
  run_completion(context, std::move(exchange), dialect, std::move(call));
}

}  // namespace overtake
