// Lists of OpenAI's items by pages: limit, after and order in the query.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "net/http_server.h"
#include "server/conversation_store.h"

namespace overtake {

// Values here are ids, numbers and words, which need no decoding.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

// {"object":"list",...} of an array of items, oldest first.
Json list_json(Json data, bool has_more);
// Answers with the page of `items`, oldest first, that the request asks for. Only what is on it is
// looked at: a long conversation may be asked for a page often.
void reply_page(HttpExchange& exchange, std::vector<ConversationItem> items);

}  // namespace overtake
