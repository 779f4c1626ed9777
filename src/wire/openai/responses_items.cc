// Items of a Responses conversation as they are kept: whole, and with ids.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

std::string_view prefix_of(const std::string& type) {
  if (type == "message") return "msg";
  if (type == "function_call") return "fc";
  if (type == "function_call_output") return "fco";
  return type == "reasoning" ? "rs" : "item";
}

Json text_part(std::string text, bool assistants) {
  if (!assistants) return Json{{"type", "input_text"}, {"text", std::move(text)}};
  return Json{{"type", "output_text"}, {"text", std::move(text)}, {"annotations", Json::array()}};
}

Json whole_item(const Json& item) {
  Json out = item;
  if (!out.contains("type") || out["type"].is_null()) out["type"] = "message";
  const bool is_message = out["type"] == "message";
  if (!is_message && out["type"] != "function_call" && out["type"] != "function_call_output") {
    return out;
  }
  if (is_message && out["content"].is_string()) {
    Json part = text_part(out["content"].get<std::string>(), out["role"] == "assistant");
    out["content"] = Json::array({std::move(part)});
  }
  if (!out.contains("status")) out["status"] = "completed";
  return out;
}

}  // namespace

Json input_items(const Json& input, std::string_view id) {
  Json items = Json::array();
  if (input.is_string()) {
    items.push_back(whole_item(Json{{"role", "user"}, {"content", input}}));
  }
  for (size_t i = 0; input.is_array() && i < input.size(); ++i) {
    items.push_back(whole_item(input[i]));
  }
  for (size_t i = 0; i < items.size(); ++i) {
    Json& item = items[i];
    const auto old = item.find("id");
    if (old != item.end() && old->is_string() && !old->get_ref<const std::string&>().empty()) {
      continue;
    }
    item["id"] = fmt::format("{}_{}_{}", prefix_of(item["type"]), id, i);
  }
  return items;
}

std::string conversation_of(const Json& body) {
  const auto at = body.find("conversation");
  if (at == body.end()) return {};
  if (at->is_string()) return at->get<std::string>();
  const auto id = at->is_object() ? at->find("id") : at->end();
  return at->is_object() && id != at->end() && id->is_string() ? id->get<std::string>() : "";
}

std::string_view id_of_item(std::string_view item_id) {
  item_id = item_id.substr(0, item_id.find('.'));
  const size_t first = item_id.find('_');
  const size_t last = item_id.rfind('_');
  if (first == item_id.npos || first == last) return {};
  return item_id.substr(first + 1, last - first - 1);
}

std::string with_vendors_id(std::string id, std::string_view vendors) {
  constexpr size_t kMaxBytes = 256;
  if (vendors.empty() || vendors.size() > kMaxBytes) return id;
  return id.append(".").append(vendors);
}

std::string vendors_id(std::string_view id) {
  const size_t dot = id.find('.');
  return std::string(dot == id.npos ? id : id.substr(dot + 1));
}

}  // namespace overtake::openai
