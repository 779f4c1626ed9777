// GET /v1/responses/{id}: a kept response, or the events of one in the background;
// /v1/responses/{id}/input_items: what it answered.
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/background_run.h"
#include "server/conversations_run.h"
#include "server/item_page.h"
#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/call_error.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/responses/";
constexpr std::string_view kItems = "/input_items";

void reply_items(HttpExchange& exchange, const std::string& text) {
  const auto items = parse_json(text, "kept items");
  if (!items.ok()) return reply_error(exchange, wire::to_call_error(items.error()));
  reply_page(exchange, as_conversation_items(items.value()));
}

// The number in starting_after; -1 where there is none, nullopt for what is no number.
std::optional<int64_t> starting_after(const HttpRequest& request) {
  const auto text = query_value(request.query, "starting_after");
  if (!text) return -1;
  int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || at != end || number < 0 ||
      number == std::numeric_limits<int64_t>::max()) {
    return std::nullopt;
  }
  return number;
}

void reply_events(std::shared_ptr<HttpExchange> exchange,
                  std::shared_ptr<BackgroundResponse> response, bool was_background) {
  if (!response) {
    return reply_error(
        *exchange,
        wire::unsupported_field(
            "stream", was_background
                          ? "stream: the response's events are no longer kept; retrieve it whole"
                          : "stream: only responses made with background: true can be followed; "
                            "retrieve it whole"));
  }
  const auto after = starting_after(exchange->request());
  if (!after) {
    return reply_error(
        *exchange,
        wire::invalid_field("starting_after", "starting_after: expected the number of an event"));
  }
  follow_background(std::move(exchange), std::move(response), *after);
}

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const HttpRequest& request = exchange->request();
  std::string id = request.path.substr(kPrefix.size());
  const bool wants_items = id.ends_with(kItems);
  if (wants_items) id.resize(id.size() - kItems.size());
  const std::string tenant = tenant_of(*exchange);
  auto running = context.background->find(tenant, id);
  const bool is_here = running && !running->body.empty();
  const auto response = is_here ? std::nullopt : context.responses->find(tenant, id);
  if (!is_here && !response) return reply_error(*exchange, response_not_found("response_id", id));
  if (wants_items) return reply_items(*exchange, is_here ? running->input : response->input);
  if (request.method == "GET" && query_value(request.query, "stream") == "true") {
    return reply_events(std::move(exchange), std::move(running),
                        response && response->is_background);
  }
  if (is_here && running->so_far) return exchange->send(200, "application/json", running->so_far());
  exchange->send(200, "application/json", is_here ? running->body : response->body);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_response) = {"GET", "/v1/responses/*", handle};

}  // namespace overtake
