// POST /v1/responses/{id}/cancel: ends a response in the background.
#include <fmt/core.h>

#include <utility>

#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/call_error.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/responses/";
constexpr std::string_view kCancel = "/cancel";

// One that has ended stays as it is, and is the answer all the same.
void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const std::string& path = exchange->request().path;
  std::string id = path.substr(kPrefix.size());
  if (!id.ends_with(kCancel)) {
    return reply_error(*exchange,
                       wire::plain_error(404, fmt::format("there is no POST {} here", path)));
  }
  id.resize(id.size() - kCancel.size());
  const std::string tenant = tenant_of(*exchange);
  const auto running = context.background->find(tenant, id);
  if (running && !running->ended) {
    const auto cancel = running->cancel;  // which lets go of itself
    cancel();
  }
  if (running && !running->body.empty()) {
    return exchange->send(200, "application/json", running->body);
  }
  auto response = context.responses->find(tenant, id);
  if (!response) return reply_error(*exchange, response_not_found("response_id", id));
  if (!response->is_background) {
    return reply_error(
        *exchange, wire::unsupported_field("response_id",
                                           "Cannot cancel a synchronous response: only those made "
                                           "with background: true can be cancelled."));
  }
  exchange->send(200, "application/json", std::move(response->body));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_response_cancel) = {"POST", "/v1/responses/*", handle};

}  // namespace overtake
