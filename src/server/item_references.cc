#include "server/item_references.h"

#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "server/responses_run.h"
#include "wire/openai/responses.h"

namespace overtake {
namespace {

// The id, where the item is no more than that.
const std::string* referred(const Json& item) {
  if (!item.is_object()) return nullptr;
  const auto id = item.find("id");
  const auto type = item.find("type");
  const bool is_typed = type != item.end() && !type->is_null();
  const bool is_reference = is_typed ? *type == "item_reference" : !item.contains("role");
  if (id == item.end() || !id->is_string() || !is_reference) return nullptr;
  return &id->get_ref<const std::string&>();
}

// A few bytes may name much: what is read for one request, and what comes of it, is bounded.
class References {
 public:
  References(const ServerContext& context, const std::string& tenant)
      : context_(context), tenant_(tenant) {}

  // Null: it is not kept, or there is no more room.
  const Json* find(const std::string& id) {
    read_response_of(id);
    auto at = items_.find(id);
    if (at == items_.end()) {
      const auto text = context_.conversations->find_item(tenant_, id);
      auto item = text ? read(*text) : std::nullopt;
      if (!item) return nullptr;
      at = items_.emplace(id, Found{std::move(*item), text->size()}).first;
    }
    bytes_ += at->second.bytes;
    return is_too_much() ? nullptr : &at->second.item;
  }
  bool is_too_much() const { return bytes_ > kMaxHistoryBytes; }

 private:
  struct Found {
    Json item;
    size_t bytes = 0;
  };

  std::optional<Json> read(const std::string& text) {
    bytes_ += text.size();
    if (is_too_much()) return std::nullopt;
    auto json = parse_json(text, "kept items");
    return json.ok() ? std::optional(std::move(json).value()) : std::nullopt;
  }

  // An item's id tells the response that it belongs to.
  void read_response_of(const std::string& item_id) {
    const std::string id = fmt::format("resp_{}", openai::id_of_item(item_id));
    if (!responses_.insert(id).second) return;
    const auto response = context_.responses->find(tenant_, id);
    if (!response) return;
    for (const std::string* text : {&response->input, &response->output}) {
      auto items = read(*text);
      for (size_t i = 0; items && i < items->size(); ++i) {
        Json& item = (*items)[i];
        const auto its = item.find("id");
        if (its == item.end() || !its->is_string()) continue;
        std::string name = its->get<std::string>();
        const size_t bytes = dump_json(item).size();
        items_.emplace(std::move(name), Found{std::move(item), bytes});
      }
    }
  }

  const ServerContext& context_;
  const std::string& tenant_;
  size_t bytes_ = 0;
  std::set<std::string> responses_;  // that were looked for
  std::map<std::string, Found> items_;
};

}  // namespace

std::optional<wire::CallError> resolve_references(const ServerContext& context,
                                                  const std::string& tenant, Json* body) {
  const auto input = body->find("input");
  if (input == body->end() || !input->is_array()) return std::nullopt;
  References references(context, tenant);
  for (size_t i = 0; i < input->size(); ++i) {
    Json& item = (*input)[i];
    const std::string* id = referred(item);
    if (!id) continue;
    const Json* found = references.find(*id);
    if (references.is_too_much()) {
      return wire::invalid_field(
          fmt::format("input[{}]", i),
          fmt::format("input[{}]: the items that are referred to, with the responses that they are "
                      "of, have more than {} bytes; refer to fewer",
                      i, kMaxHistoryBytes));
    }
    if (found) item = *found;
  }
  return std::nullopt;
}

}  // namespace overtake
