// DELETE /v1/conversations/{id}, and of one item: /v1/conversations/{id}/items/{item_id}.
#include <nlohmann/json.hpp>

#include "server/conversations_run.h"
#include "server/reply.h"
#include "server/responses_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const ConversationPath path = read_conversation_path(exchange->request().path);
  const std::string tenant = tenant_of(*exchange);
  if (path.is_items && path.item_id.empty()) {
    exchange->set_header("Allow", "GET, POST");
    return reply_error(*exchange,
                       wire::plain_error(405, "items take GET and POST; delete them one by one"));
  }
  if (path.is_items) {
    if (!context.conversations->erase_item(tenant, path.id, path.item_id) &&
        context.conversations->find(tenant, path.id)) {
      return reply_error(*exchange, conversation_item_not_found(path.item_id));
    }
    return reply_conversation(context, *exchange, path.id);
  }
  if (!context.conversations->erase(tenant, path.id)) {
    return reply_error(*exchange, conversation_not_found("conversation_id", path.id));
  }
  reply_json(*exchange, 200,
             Json{{"id", path.id}, {"object", "conversation.deleted"}, {"deleted", true}});
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_conversation_delete) = {"DELETE", "/v1/conversations/*", handle};

}  // namespace overtake
