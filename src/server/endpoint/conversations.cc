// POST /v1/conversations: a new one, with or without items.
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/conversations_run.h"
#include "server/reply.h"
#include "server/responses_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const auto body = read_conversation_body(*exchange);
  if (!body) return;
  const std::string& uuid = exchange->request().id;
  const std::string tenant = tenant_of(*exchange);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Conversation conversation{
      "conv_" + uuid, std::chrono::duration_cast<std::chrono::seconds>(now).count(), {}};
  std::optional<Json> items;
  auto error = read_metadata(*body, &conversation.metadata);
  if (!error) error = read_new_items(*body, uuid, &items);
  if (error) return reply_error(*exchange, *error);
  const std::string id = conversation.id;
  context.conversations->put(tenant, std::move(conversation));
  if (items) context.conversations->append(tenant, id, as_conversation_items(*items));
  reply_conversation(context, *exchange, id);
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_conversations) = {"POST", "/v1/conversations", handle};

}  // namespace overtake
