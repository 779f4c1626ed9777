#include "server/responses_run.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/log.h"
#include "server/background_run.h"
#include "server/completion_run.h"
#include "server/conversations_run.h"
#include "server/count_run.h"
#include "server/reply.h"
#include "server/responses_asked.h"
#include "wire/openai/dialect.h"
#include "wire/openai/responses.h"

namespace overtake {
namespace {

void append_turn(ConversationStore& store, const std::string& tenant, const StoredResponse& turn) {
  std::vector<ConversationItem> spoken;
  for (const std::string* text : {&turn.input, &turn.output}) {
    const auto items = parse_json(*text, "an answer's items");
    if (!items.ok()) return log(LogLevel::kError, items.error().message);
    for (auto& item : as_conversation_items(items.value())) spoken.push_back(std::move(item));
  }
  store.append(tenant, turn.conversation_id, std::move(spoken));
}

// Where whole answers go: to the responses, and with their input to their conversation, even those
// that the client does not want to go on from by themselves.
struct Keeper {
  std::shared_ptr<ResponseStore> responses;          // or null
  std::shared_ptr<ConversationStore> conversations;  // or null
  std::string tenant;
  StoredResponse turn;  // but for what is answered

  // Whether the responses have it.
  bool keep(wire::KeptAnswer answer) {
    turn.body = std::move(answer.body);
    turn.output = std::move(answer.items);
    if (conversations) append_turn(*conversations, tenant, turn);
    return responses && responses->put(tenant, std::move(turn));
  }
};

Keeper keeper_of(const ServerContext& context, const AskedResponse& asked) {
  Keeper keeper;
  if (asked.is_kept) keeper.responses = context.responses;
  if (!asked.conversation_id.empty()) keeper.conversations = context.conversations;
  keeper.tenant = asked.tenant;
  keeper.turn.id = "resp_" + asked.uuid;
  keeper.turn.previous_id = asked.previous_id;
  keeper.turn.conversation_id = asked.conversation_id;
  keeper.turn.input = asked.items;
  keeper.turn.is_background = asked.call.background;
  return keeper;
}

void run_in_background(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                       AskedResponse asked) {
  BackgroundStart start;
  start.keep = [keeper = keeper_of(context, asked)](wire::KeptAnswer answer) mutable {
    return keeper.keep(std::move(answer));
  };
  start.tenant = std::move(asked.tenant);
  start.input = std::move(asked.items);
  start.generator = std::move(asked.generator);
  start.call = std::move(asked.call);
  start_background(context, std::move(exchange), std::move(start));
}

}  // namespace

std::string tenant_of(const HttpExchange&) { return {}; }

wire::CallError response_not_found(std::string param, std::string_view id) {
  wire::CallError error = wire::plain_error(
      404, fmt::format("no response \"{}\" is kept here; responses are kept in memory, the oldest "
                       "go first, and all with the server",
                       id.substr(0, 100)));
  error.param = std::move(param);
  error.code = "response_not_found";
  return error;
}

void run_responses(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  auto asked = read_asked(context, *exchange);
  if (!asked) return;
  if (asked->call.background) {
    return run_in_background(context, std::move(exchange), std::move(*asked));
  }
  if (asked->is_kept || !asked->conversation_id.empty()) {
    asked->call.keep = [keeper = keeper_of(context, *asked)](wire::KeptAnswer answer) mutable {
      keeper.keep(std::move(answer));
    };
  }
  start_completion({context, std::move(asked->generator), std::move(asked->call)},
                   std::move(exchange), openai::responses_dialect);
}

void count_responses(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  auto asked = read_asked(context, *exchange);
  if (!asked) return;
  start_count({context, std::move(asked->generator), std::move(asked->call)}, std::move(exchange),
              openai::responses_dialect, {"input_tokens", "response.input_tokens"});
}

}  // namespace overtake
