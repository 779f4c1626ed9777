// GET /v1/responses/{id}: a kept response; /v1/responses/{id}/input_items: what it answered.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/call_error.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/responses/";
constexpr std::string_view kItems = "/input_items";
constexpr int kMaxLimit = 100;

// Values here are ids, numbers and words, which need no decoding.
std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) {
      return std::string(pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

struct Page {
  int limit = 20;
  std::string after;
  bool ascending = false;
};

std::optional<wire::CallError> read_page(std::string_view query, Page* page) {
  page->after = query_value(query, "after").value_or("");
  if (const auto limit = query_value(query, "limit")) {
    const char* end = limit->data() + limit->size();
    const auto [at, error] = std::from_chars(limit->data(), end, page->limit);
    if (error != std::errc() || at != end || page->limit < 1 || page->limit > kMaxLimit) {
      return wire::invalid_field("limit", "limit: expected an integer from 1 to 100");
    }
  }
  const std::string order = query_value(query, "order").value_or("desc");
  if (order != "asc" && order != "desc") {
    return wire::invalid_field("order", "order: expected asc or desc");
  }
  page->ascending = order == "asc";
  return std::nullopt;
}

void reply_items(HttpExchange& exchange, const std::string& text) {
  Page page;
  if (const auto error = read_page(exchange.request().query, &page)) {
    return reply_error(exchange, *error);
  }
  auto parsed = parse_json(text, "kept items");
  if (!parsed.ok()) return reply_error(exchange, wire::to_call_error(parsed.error()));
  Json items = std::move(parsed).value();
  if (!page.ascending) std::reverse(items.begin(), items.end());
  auto first = items.begin();
  if (!page.after.empty()) {
    first = std::find_if(items.begin(), items.end(),
                         [&](const Json& item) { return item["id"] == page.after; });
    if (first == items.end()) {
      return reply_error(exchange, wire::invalid_field("after", "after: no item has this id"));
    }
    ++first;
  }
  const auto last = first + std::min<ptrdiff_t>(page.limit, items.end() - first);
  Json data = Json::array();
  for (auto item = first; item != last; ++item) data.push_back(*item);
  Json body{{"object", "list"}, {"data", data}};
  body["first_id"] = data.empty() ? Json(nullptr) : data.front()["id"];
  body["last_id"] = data.empty() ? Json(nullptr) : data.back()["id"];
  body["has_more"] = last != items.end();
  reply_json(exchange, 200, body);
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
