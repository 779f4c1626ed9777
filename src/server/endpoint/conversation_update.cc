// POST /v1/conversations/{id}: other metadata; /v1/conversations/{id}/items: more items.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "server/conversations_run.h"
#include "server/item_page.h"
#include "server/reply.h"
#include "server/responses_run.h"

namespace overtake {
namespace {

void add_items(const ServerContext& context, HttpExchange& exchange, const Json& body,
               const std::string& id) {
  std::optional<Json> items;
  if (const auto error = read_new_items(body, exchange.request().id, &items)) {
    return reply_error(exchange, *error);
  }
  if (!items || items->empty()) {
    return reply_error(exchange, wire::invalid_field("items", "items: expected 1 to 20 items"));
  }
  switch (context.conversations->append(tenant_of(exchange), id, as_conversation_items(*items))) {
    case AppendResult::kNotFound:
      return reply_error(exchange, conversation_not_found("conversation_id", id));
    case AppendResult::kFull:
      return reply_error(exchange, conversation_full("items"));
    case AppendResult::kAppended:
      return reply_json(exchange, 200, list_json(std::move(*items), false));
  }
}

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const ConversationPath path = read_conversation_path(exchange->request().path);
  if (!path.item_id.empty()) {
    exchange->set_header("Allow", "GET, DELETE");
    return reply_error(*exchange, wire::plain_error(405, "an item takes GET and DELETE, not POST"));
  }
  const auto body = read_conversation_body(*exchange);
  if (!body) return;
  if (path.is_items) return add_items(context, *exchange, *body, path.id);
  if (!body->contains("metadata")) {
    return reply_error(*exchange,
                       wire::invalid_field("metadata", "metadata: expected an object of strings"));
  }
  std::string metadata;
  if (const auto error = read_metadata(*body, &metadata)) return reply_error(*exchange, *error);
  context.conversations->set_metadata(tenant_of(*exchange), path.id, std::move(metadata));
  reply_conversation(context, *exchange, path.id);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_conversation_update) = {"POST", "/v1/conversations/*", handle};

}  // namespace overtake
