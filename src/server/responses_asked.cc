#include "server/responses_asked.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/log.h"
#include "server/conversations_run.h"
#include "server/input_truncation.h"
#include "server/item_references.h"
#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/openai/dialect.h"
#include "wire/openai/responses.h"

namespace overtake {
namespace {

// Reads what was said up to the response `id` into the call.
std::optional<wire::CallError> add_history(const ResponseStore& store, const std::string& tenant,
                                           const std::string& id, wire::Call* call) {
  const std::string param = "previous_response_id";
  const auto texts = store.history(tenant, id, kMaxHistoryBytes);
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

// Reads what was said up to the response that the request goes on from.
std::optional<wire::CallError> add_previous(const ServerContext& context, AskedResponse* asked) {
  const std::string param = "previous_response_id";
  const auto response = context.responses->find(asked->tenant, asked->previous_id);
  if (response && !response->conversation_id.empty()) {
    return wire::invalid_field(
        param, fmt::format("{}: this response belongs to a conversation; send conversation \"{}\" "
                           "instead",
                           param, response->conversation_id));
  }
  const auto running = context.background->find(asked->tenant, asked->previous_id);
  if (!response && running && !running->body.empty()) {
    return wire::invalid_field(param, fmt::format("{}: this response is {}; go on from one that is "
                                                  "completed",
                                                  param, running->status));
  }
  return add_history(*context.responses, asked->tenant, asked->previous_id, &asked->call);
}

std::optional<wire::CallError> read_body(const ServerContext& context, Json body,
                                         AskedResponse* asked) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  if (auto error = resolve_references(context, asked->tenant, &body)) return error;
  wire::Call& call = asked->call;
  if (auto error = openai::responses_dialect.parse(body, &call)) return error;
  asked->generator = context.find(call.model);
  if (!asked->generator) return wire::model_not_found(call.model);
  call.request.principal.tenant = asked->tenant;
  asked->is_kept = body.value("store", Json()) != false;
  asked->conversation_id = openai::conversation_of(body);
  const Json input = body.value("input", Json());
  if (!asked->conversation_id.empty()) {
    asked->items = dump_json(new_conversation_items(input, asked->uuid));
    return add_conversation(*context.conversations, asked->tenant, asked->conversation_id, &call);
  }
  asked->items = dump_json(openai::input_items(input, asked->uuid));
  const auto previous = body.find("previous_response_id");
  if (previous == body.end() || !previous->is_string()) return std::nullopt;
  asked->previous_id = previous->get<std::string>();
  return add_previous(context, asked);
}

void truncate(AskedResponse* asked) {
  const size_t n_gone = truncate_input(*asked->generator, &asked->call);
  if (n_gone == 0) return;
  log(LogLevel::kInfo, fmt::format("{} truncation auto: the {} oldest messages of the conversation "
                                   "were left out",
                                   asked->uuid, n_gone));
}

}  // namespace

std::optional<AskedResponse> read_asked(const ServerContext& context, HttpExchange& exchange) {
  AskedResponse asked;
  asked.tenant = tenant_of(exchange);
  asked.uuid = exchange.request().id;
  auto body = parse_json(exchange.request().body, "request body");
  const auto error = body.ok() ? read_body(context, std::move(body).value(), &asked)
                               : wire::to_call_error(body.error());
  if (error) {
    reply_error(exchange, *error, openai::responses_dialect);
    return std::nullopt;
  }
  if (asked.call.truncate_input) truncate(&asked);
  return asked;
}

}  // namespace overtake
