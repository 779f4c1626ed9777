#include "server/conversations_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/reply.h"
#include "server/responses_run.h"
#include "wire/fields.h"
#include "wire/openai/responses.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "/v1/conversations/";
constexpr std::string_view kItems = "/items";
// What the API allows.
constexpr size_t kMaxNewItems = 20;
constexpr size_t kMaxMetadata = 16;
constexpr size_t kMaxMetadataKey = 64;
constexpr size_t kMaxMetadataValue = 512;

size_t characters_in(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

wire::CallError not_found(std::string param, std::string code, std::string message) {
  wire::CallError error = wire::plain_error(404, std::move(message));
  error.param = std::move(param);
  error.code = std::move(code);
  return error;
}

}  // namespace

ConversationPath read_conversation_path(std::string_view path) {
  ConversationPath out;
  const std::string_view rest = path.substr(kPrefix.size());
  const size_t slash = std::min(rest.find('/'), rest.size());
  out.id = rest.substr(0, slash);
  const std::string_view below = rest.substr(slash);
  if (below == kItems) {
    out.is_items = true;
  } else if (below.starts_with(kItems) && below[kItems.size()] == '/') {
    out.is_items = true;
    out.item_id = below.substr(kItems.size() + 1);
  } else {
    out.id = rest;
  }
  return out;
}

wire::CallError conversation_not_found(std::string param, std::string_view id) {
  return not_found(
      std::move(param), "conversation_not_found",
      fmt::format("no conversation \"{}\" is kept here; conversations are kept in "
                  "memory, those not written to for longest go first, and all with the server",
                  id.substr(0, 100)));
}

wire::CallError conversation_full(std::string param) {
  return wire::invalid_field(
      param, fmt::format("{}: the conversation has more than {} bytes; begin a new one", param,
                         ConversationStoreLimits{}.max_conversation_bytes));
}

wire::CallError conversation_item_not_found(std::string_view id) {
  return not_found("item_id", "item_not_found",
                   fmt::format("the conversation has no item \"{}\"", id.substr(0, 100)));
}

void reply_conversation(const ServerContext& context, HttpExchange& exchange,
                        const std::string& id) {
  const auto found = context.conversations->find(tenant_of(exchange), id);
  if (!found) return reply_error(exchange, conversation_not_found("conversation_id", id));
  auto metadata = parse_json(found->metadata, "kept metadata");
  if (!metadata.ok()) return reply_error(exchange, wire::to_call_error(metadata.error()));
  reply_json(exchange, 200,
             Json{{"id", found->id},
                  {"object", "conversation"},
                  {"created_at", found->created_s},
                  {"metadata", std::move(metadata).value()}});
}

std::optional<Json> read_conversation_body(HttpExchange& exchange) {
  const std::string& text = exchange.request().body;
  if (text.empty()) return Json::object();
  auto body = parse_json(text, "request body");
  if (!body.ok()) {
    reply_error(exchange, wire::to_call_error(body.error()));
  } else if (!body.value().is_object()) {
    reply_error(exchange, wire::plain_error(400, "the request's body is not a JSON object"));
  } else {
    return std::move(body).value();
  }
  return std::nullopt;
}

std::optional<wire::CallError> read_metadata(const Json& body, std::string* out) {
  wire::Fields fields(body);
  const Json* metadata = fields.object("metadata");
  *out = metadata ? dump_json(*metadata) : "{}";
  if (!metadata) return fields.error();
  if (metadata->size() > kMaxMetadata) fields.invalid("metadata", "expected at most 16 members");
  for (const auto& [key, value] : metadata->items()) {
    if (!value.is_string() || characters_in(key) > kMaxMetadataKey ||
        characters_in(value.get_ref<const std::string&>()) > kMaxMetadataValue) {
      fields.invalid("metadata",
                     "expected strings of at most 512 characters by keys of at most 64");
    }
  }
  return fields.error();
}

Json new_conversation_items(Json items, const std::string& uuid) {
  for (size_t i = 0; items.is_array() && i < items.size(); ++i) items[i].erase("id");
  return openai::input_items(items, uuid);
}

std::vector<ConversationItem> as_conversation_items(const Json& items) {
  std::vector<ConversationItem> out;
  for (const Json& item : items) out.push_back({item["id"].get<std::string>(), dump_json(item)});
  return out;
}

std::optional<wire::CallError> read_new_items(const Json& body, const std::string& uuid,
                                              std::optional<Json>* out) {
  wire::Fields fields(body);
  const Json* items = fields.array("items");
  if (!items) return fields.error();
  if (items->size() > kMaxNewItems) fields.invalid("items", "expected at most 20 items");
  openai::ItemMessages read;
  openai::read_items(*items, "items", fields, &read);
  if (fields.error()) return fields.error();
  *out = new_conversation_items(*items, uuid);
  return std::nullopt;
}

}  // namespace overtake
