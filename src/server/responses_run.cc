#include "server/responses_run.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "server/completion_run.h"
#include "server/conversations_run.h"
#include "server/count_run.h"
#include "server/reply.h"
#include "wire/openai/dialect.h"
#include "wire/openai/responses.h"

namespace overtake {
namespace {

// What a conversation may have grown to when it is sent to a model again: as much as one request.
constexpr size_t kMaxHistoryBytes = 16u << 20;

const Json* string_member(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? &*at : nullptr;
}

// The item of this id, which tells the response that it belongs to.
std::optional<Json> find_item(const ResponseStore& store, const std::string& tenant,
                              const std::string& id) {
  const auto response = store.find(tenant, fmt::format("resp_{}", openai::id_of_item(id)));
  if (!response) return std::nullopt;
  for (const std::string* text : {&response->input, &response->output}) {
    const auto items = parse_json(*text, "kept items");
    if (!items.ok()) continue;
    for (const Json& item : items.value()) {
      if (const Json* its = string_member(item, "id"); its && *its == id) return item;
    }
  }
  return std::nullopt;
}

// Puts items that the request only names in their places; a name that is not known stays, and is
// refused by the parser.
void resolve_references(const ResponseStore& store, const std::string& tenant, Json* body) {
  const auto input = body->find("input");
  if (input == body->end() || !input->is_array()) return;
  for (Json& item : *input) {
    if (!item.is_object()) continue;
    const Json* id = string_member(item, "id");
    const Json* type = string_member(item, "type");
    const bool is_reference = type ? *type == "item_reference" : item.size() == 1;
    if (!id || !is_reference) continue;
    if (auto found = find_item(store, tenant, id->get<std::string>())) item = std::move(*found);
  }
}

// Reads what was said up to the response `id` into the call.
std::optional<wire::CallError> add_history(const ResponseStore& store, const std::string& tenant,
                                           const std::string& id, wire::Call* call) {
  const std::string param = "previous_response_id";
  const auto texts = store.history(tenant, id);
  if (!texts) return response_not_found(param, id);
  size_t bytes = 0;
  openai::ItemMessages history;
  const Json none = Json::object();
  wire::Fields fields(none);
  for (const std::string& text : *texts) {
    bytes += text.size();
    if (bytes > kMaxHistoryBytes) {
      return wire::invalid_field(
          param, fmt::format("{}: the conversation has more than {} bytes; begin a new one", param,
                             kMaxHistoryBytes));
    }
    const auto items = parse_json(text, "kept items");
    if (!items.ok()) return wire::to_call_error(items.error());
    openai::read_items(items.value(), param, fields, &history);
  }
  openai::insert_history(std::move(history), call);
  return fields.error();
}

// Reads the conversation's items into the call.
std::optional<wire::CallError> add_conversation(const ConversationStore& store,
                                                const std::string& tenant, const std::string& id,
                                                wire::Call* call) {
  const std::string param = "conversation";
  const auto items = store.items(tenant, id);
  if (!items) return conversation_not_found(param, id);
  size_t bytes = 0;
  Json all = Json::array();
  for (const ConversationItem& item : *items) {
    bytes += item.body.size();
    if (bytes > kMaxHistoryBytes) return conversation_full(param);
    auto parsed = parse_json(item.body, "kept item");
    if (!parsed.ok()) return wire::to_call_error(parsed.error());
    all.push_back(std::move(parsed).value());
  }
  const Json none = Json::object();
  wire::Fields fields(none);
  openai::ItemMessages history;
  openai::read_items(all, param, fields, &history);
  openai::insert_history(std::move(history), call);
  if (call->origins.empty() ||
      (call->origins.size() == 1 && call->origins[0].parts == "instructions")) {
    return wire::invalid_field("input", "input: expected one, as the conversation has no items");
  }
  return fields.error();
}

// A request that is read, with what was said before it.
struct Asked {
  Json body;
  std::string tenant;
  std::string previous_id;
  std::string conversation_id;
  std::shared_ptr<Generator> generator;
  wire::Call call;
};

std::optional<wire::CallError> read_asked(const ServerContext& context, Asked* asked) {
  if (!asked->body.is_object()) {
    return wire::plain_error(400, "the request's body is not a JSON object");
  }
  resolve_references(*context.responses, asked->tenant, &asked->body);
  wire::Call& call = asked->call;
  if (auto error = openai::responses_dialect.parse(asked->body, &call)) return error;
  asked->generator = context.find(call.model);
  if (!asked->generator) return wire::model_not_found(call.model);
  call.request.principal.tenant = asked->tenant;
  asked->conversation_id = openai::conversation_of(asked->body);
  if (!asked->conversation_id.empty()) {
    return add_conversation(*context.conversations, asked->tenant, asked->conversation_id, &call);
  }
  const Json* previous = string_member(asked->body, "previous_response_id");
  if (!previous) return std::nullopt;
  asked->previous_id = previous->get<std::string>();
  const auto response = context.responses->find(asked->tenant, asked->previous_id);
  if (response && !response->conversation_id.empty()) {
    return wire::invalid_field(
        "previous_response_id",
        fmt::format("previous_response_id: this response belongs to a conversation; send "
                    "conversation \"{}\" instead",
                    response->conversation_id));
  }
  return add_history(*context.responses, asked->tenant, asked->previous_id, &call);
}

// nullopt where an error was the answer.
std::optional<Asked> read_asked(const ServerContext& context, HttpExchange& exchange) {
  auto parsed = parse_json(exchange.request().body, "request body");
  std::optional<wire::CallError> error;
  Asked asked;
  if (parsed.ok()) {
    asked.body = std::move(parsed).value();
    asked.tenant = tenant_of(exchange);
    error = read_asked(context, &asked);
  } else {
    error = wire::to_call_error(parsed.error());
  }
  if (!error) return asked;
  reply_error(exchange, *error, openai::responses_dialect);
  return std::nullopt;
}

void append_turn(ConversationStore& store, const std::string& tenant, const StoredResponse& turn) {
  std::vector<ConversationItem> spoken;
  for (const std::string* text : {&turn.input, &turn.output}) {
    const auto items = parse_json(*text, "an answer's items");
    if (!items.ok()) return log(LogLevel::kError, items.error().message);
    for (auto& item : as_conversation_items(items.value())) spoken.push_back(std::move(item));
  }
  store.append(tenant, turn.conversation_id, std::move(spoken));
}

// The answer goes to the responses, and with its input to its conversation, even one that the
// client does not want to go on from by itself.
void keep_answer(const ServerContext& context, const std::string& uuid, bool is_kept,
                 Asked* asked) {
  const std::string& conversation_id = asked->conversation_id;
  const Json input = asked->body.value("input", Json(nullptr));
  const Json items = conversation_id.empty() ? openai::input_items(input, uuid)
                                             : new_conversation_items(input, uuid);
  StoredResponse turn{
      "resp_" + uuid, asked->previous_id, conversation_id, {}, dump_json(items), {}};
  asked->call.keep = [responses = is_kept ? context.responses : nullptr,
                      conversations = conversation_id.empty() ? nullptr : context.conversations,
                      tenant = asked->tenant,
                      turn = std::move(turn)](std::string answer, std::string output) mutable {
    turn.body = std::move(answer);
    turn.output = std::move(output);
    if (conversations) append_turn(*conversations, tenant, turn);
    if (responses) responses->put(tenant, std::move(turn));
  };
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
  const auto store = asked->body.find("store");
  const bool is_kept = store == asked->body.end() || store->is_null() || *store == true;
  if (is_kept || !asked->conversation_id.empty()) {
    keep_answer(context, exchange->request().id, is_kept, &*asked);
  }
  start_completion(std::move(asked->generator), std::move(exchange), openai::responses_dialect,
                   std::move(asked->call));
}

void count_responses(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  auto asked = read_asked(context, *exchange);
  if (!asked) return;
  start_count(std::move(asked->generator), std::move(exchange), openai::responses_dialect,
              {"input_tokens", "response.input_tokens"}, std::move(asked->call));
}

}  // namespace overtake
