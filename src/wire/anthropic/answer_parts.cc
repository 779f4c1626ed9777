#include "wire/anthropic/answer_parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "wire/fields.h"

namespace overtake::anthropic {

Json usage_json(const wire::UsageTotals& usage) {
  Json out;
  out["input_tokens"] =
      std::max<int64_t>(usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens, 0);
  out["cache_creation_input_tokens"] = usage.cache_write_tokens;
  out["cache_read_input_tokens"] = usage.cached_tokens;
  out["output_tokens"] = usage.completion_tokens;
  out["output_tokens_details"]["thinking_tokens"] = usage.reasoning_tokens;
  return out;
}

Json message_json(const wire::AnswerIdentity& identity, const wire::UsageTotals& usage) {
  Json out;
  out["id"] = identity.id;
  out["type"] = "message";
  out["role"] = "assistant";
  out["model"] = identity.model;
  out["content"] = Json::array();
  out["stop_reason"] = nullptr;
  out["stop_sequence"] = nullptr;
  out["stop_details"] = nullptr;
  out["usage"] = usage_json(usage);
  return out;
}

std::string stop_reason(const FinishedEvent& finished, const wire::UsageTotals& usage,
                        const wire::Call& call) {
  switch (finished.reason) {
    case FinishReason::kLength: {
      // A remote model says itself what it was; its counts may be none.
      const std::string& native = finished.native_reason;
      const bool has_room = native.empty()
                                ? usage.completion_tokens < call.request.max_tokens.value_or(0)
                                : native == "model_context_window_exceeded";
      return has_room ? "model_context_window_exceeded" : "max_tokens";
    }
    case FinishReason::kToolCalls:
      return "tool_use";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "refusal";
    case FinishReason::kStop:
    case FinishReason::kCancelled:
      break;
  }
  if (finished.native_reason == "pause_turn") return finished.native_reason;
  return finished.stop_sequence.empty() ? "end_turn" : "stop_sequence";
}

Json stop_sequence_json(const FinishedEvent& finished) {
  return finished.stop_sequence.empty() ? Json(nullptr) : Json(finished.stop_sequence);
}

Json vendor_members(const std::string& json) {
  if (json.empty()) return Json::object();
  auto parsed = parse_json(json, "members of an answer");
  return parsed.ok() && parsed->is_object() ? std::move(*parsed) : Json::object();
}

void add_members(const Json& members, Json* message) {
  for (const auto& [key, value] : members.items()) {
    Json& place = (*message)[key];
    if (place.is_null()) {
      place = value;
    } else if (place.is_object() && value.is_object()) {
      wire::add_missing(value, &place);
    }
  }
}

std::optional<Json> citation_json(const CitationEvent& event) {
  if (event.native.empty()) return std::nullopt;
  auto parsed = parse_json(event.native, "citation");
  if (!parsed.ok()) return std::nullopt;
  return std::move(*parsed);
}

std::string tool_id(const wire::AnswerIdentity& identity, int index) {
  constexpr size_t kTail = 20;  // enough to be unique; OpenAI takes no id beyond 40 bytes
  const size_t prefix = identity.id.find('_');
  std::string tail = identity.id.substr(prefix == std::string::npos ? 0 : prefix + 1);
  std::erase(tail, '-');
  return fmt::format("toolu_{}_{}", tail.substr(tail.size() - std::min(tail.size(), kTail)), index);
}

}  // namespace overtake::anthropic
