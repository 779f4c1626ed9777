#include "server/responses_run.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "server/completion_run.h"
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
  const wire::Dialect& dialect = openai::responses_dialect;
  auto parsed = parse_json(exchange->request().body, "request body");
  if (!parsed.ok()) return reply_error(*exchange, wire::to_call_error(parsed.error()), dialect);
  Json body = std::move(parsed).value();
  if (!body.is_object()) {
    return reply_error(*exchange, wire::plain_error(400, "the request's body is not a JSON object"),
                       dialect);
  }
  const std::string tenant = tenant_of(*exchange);
  resolve_references(*context.responses, tenant, &body);
  wire::Call call;
  if (const auto error = dialect.parse(body, &call)) {
    return reply_error(*exchange, *error, dialect);
  }
  auto generator = context.find(call.model);
  if (!generator) return reply_error(*exchange, wire::model_not_found(call.model), dialect);
  call.request.principal.tenant = tenant;
  const Json* previous = string_member(body, "previous_response_id");
  const std::string previous_id = previous ? previous->get<std::string>() : std::string();
  if (previous) {
    if (const auto error = add_history(*context.responses, tenant, previous_id, &call)) {
      return reply_error(*exchange, *error, dialect);
    }
  }
  const auto store = body.find("store");
  if (store == body.end() || store->is_null() || *store == true) {
    const std::string& uuid = exchange->request().id;
    call.keep = [kept = context.responses, tenant, previous_id, id = "resp_" + uuid,
                 input = dump_json(openai::input_items(body["input"], uuid))](std::string answer,
                                                                              std::string items) {
      kept->put(tenant, {id, previous_id, std::move(answer), input, std::move(items)});
    };
  }
  start_completion(std::move(generator), std::move(exchange), dialect, std::move(call));
}

}  // namespace overtake
