#include "server/item_page.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/reply.h"
#include "wire/call_error.h"

namespace overtake {
namespace {

constexpr int kMaxLimit = 100;

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

}  // namespace

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

Json list_json(Json data, bool has_more) {
  Json body{{"object", "list"}, {"data", std::move(data)}};
  const Json& listed = body["data"];
  Json first = listed.empty() ? Json(nullptr) : listed.front()["id"];
  Json last = listed.empty() ? Json(nullptr) : listed.back()["id"];
  body["first_id"] = std::move(first);
  body["last_id"] = std::move(last);
  body["has_more"] = has_more;
  return body;
}

void reply_page(HttpExchange& exchange, std::vector<ConversationItem> items) {
  Page page;
  if (const auto error = read_page(exchange.request().query, &page)) {
    return reply_error(exchange, *error);
  }
  if (!page.ascending) std::reverse(items.begin(), items.end());
  auto first = items.begin();
  if (!page.after.empty()) {
    first = std::find_if(items.begin(), items.end(),
                         [&](const ConversationItem& item) { return item.id == page.after; });
    if (first == items.end()) {
      return reply_error(exchange, wire::invalid_field("after", "after: no item has this id"));
    }
    ++first;
  }
  const auto last = first + std::min<ptrdiff_t>(page.limit, items.end() - first);
  Json data = Json::array();
  for (auto item = first; item != last; ++item) {
    auto body = parse_json(item->body, "kept item");
    if (!body.ok()) return reply_error(exchange, wire::to_call_error(body.error()));
    data.push_back(std::move(body).value());
  }
  reply_json(exchange, 200, list_json(std::move(data), last != items.end()));
}

}  // namespace overtake
