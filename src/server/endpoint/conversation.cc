// GET /v1/conversations/{id}, its /items by pages, and one of them: /items/{item_id}.
#include <nlohmann/json.hpp>
#include <utility>

#include "server/conversations_run.h"
#include "server/item_page.h"
#include "server/reply.h"
#include "server/responses_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const ConversationPath path = read_conversation_path(exchange->request().path);
  if (!path.is_items) return reply_conversation(context, *exchange, path.id);
  auto items = context.conversations->items(tenant_of(*exchange), path.id);
  if (!items) return reply_error(*exchange, conversation_not_found("conversation_id", path.id));
  if (path.item_id.empty()) return reply_page(*exchange, std::move(*items));
  for (ConversationItem& item : *items) {
    if (item.id != path.item_id) continue;
    return exchange->send(200, "application/json", std::move(item.body));
  }
  reply_error(*exchange, conversation_item_not_found(path.item_id));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_conversation) = {"GET", "/v1/conversations/*", handle};

}  // namespace overtake
