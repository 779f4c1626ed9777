// What the endpoints of OpenAI's Conversations share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/endpoint.h"
#include "wire/call_error.h"

namespace overtake {

// /v1/conversations/ID, .../ID/items or .../ID/items/ITEM.
struct ConversationPath {
  std::string id;
  std::string item_id;
  bool is_items = false;  // with /items, or below it
};
ConversationPath read_conversation_path(std::string_view path);

wire::CallError conversation_not_found(std::string param, std::string_view id);
wire::CallError conversation_full(std::string param);
wire::CallError conversation_item_not_found(std::string_view id);

// Answers with the conversation, or with what it lacks.
void reply_conversation(const ServerContext& context, HttpExchange& exchange,
                        const std::string& id);
// The request's body; none is an empty object. nullopt where an error was the answer.
std::optional<Json> read_conversation_body(HttpExchange& exchange);
// The metadata's text; "{}" where there is none.
std::optional<wire::CallError> read_metadata(const Json& body, std::string* out);

// As they are kept. Each gets an id of its own; the one that a client wrote may be there already.
Json new_conversation_items(Json items, const std::string& uuid);
std::vector<ConversationItem> as_conversation_items(const Json& items);
// New items of the request's body. nullopt: there are none.
std::optional<wire::CallError> read_new_items(const Json& body, const std::string& uuid,
                                              std::optional<Json>* out);

}  // namespace overtake
