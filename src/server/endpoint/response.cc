// GET /v1/responses/{id}: a kept response; /v1/responses/{id}/input_items: what it answered.
#include <nlohmann/json.hpp>
#include <utility>

#include "server/item_page.h"
#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/call_error.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/responses/";
constexpr std::string_view kItems = "/input_items";

void reply_items(HttpExchange& exchange, const std::string& text) {
  auto items = parse_json(text, "kept items");
  if (!items.ok()) return reply_error(exchange, wire::to_call_error(items.error()));
  reply_page(exchange, std::move(items).value());
}

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  std::string id = exchange->request().path.substr(kPrefix.size());
  const bool wants_items = id.ends_with(kItems);
  if (wants_items) id.resize(id.size() - kItems.size());
  const auto response = context.responses->find(tenant_of(*exchange), id);
  if (!response) return reply_error(*exchange, response_not_found("response_id", id));
  if (wants_items) return reply_items(*exchange, response->input);
  if (query_value(exchange->request().query, "stream") == "true") {
    return reply_error(*exchange,
                       wire::unsupported_field(
                           "stream", "stream: the response is finished; retrieve it as a whole"));
  }
  exchange->send(200, "application/json", response->body);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_response) = {"GET", "/v1/responses/*", handle};

}  // namespace overtake
