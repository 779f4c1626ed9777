#include "wire/openai/responses_object.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace overtake::openai {
namespace {

Json usage_of(const wire::UsageTotals& usage) {
  Json out = Json{{"input_tokens", usage.prompt_tokens},
                  {"input_tokens_details", Json{{"cached_tokens", usage.cached_tokens},
                                                {"cache_write_tokens", usage.cache_write_tokens}}},
                  {"output_tokens", usage.completion_tokens},
                  {"output_tokens_details", Json{{"reasoning_tokens", usage.reasoning_tokens}}},
                  {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
  if (usage.cost_nano_usd) out["cost_nano_usd"] = *usage.cost_nano_usd;  // not in OpenAI's API
  return out;
}

void add_defaults(Json* out) {
  const auto put = [&](const char* name, Json value) {
    if (!out->contains(name) || (*out)[name].is_null()) (*out)[name] = std::move(value);
  };
  for (const char* name : {"instructions", "max_output_tokens", "previous_response_id",
                           "temperature", "top_p", "user"}) {
    put(name, nullptr);
  }
  put("metadata", Json::object());
  put("parallel_tool_calls", true);
  put("reasoning", Json{{"effort", nullptr}, {"summary", nullptr}});
  put("store", true);
  put("text", Json::object());
  if (!(*out)["text"].contains("format")) (*out)["text"]["format"] = Json{{"type", "text"}};
  put("tool_choice", "auto");
  put("tools", Json::array());
  put("truncation", "disabled");
}

// One of the codes that clients know.
std::string_view code_of(const wire::CallError& error) {
  if (error.status == 429) return "rate_limit_exceeded";
  return error.status < 500 ? "invalid_prompt" : "server_error";
}

Json error_of(const wire::CallError& error) {
  Json out;
  out["code"] = code_of(error);
  out["message"] = error.message;
  return out;
}

Json one_member(const char* name, std::string_view value) {
  Json out;
  out[name] = value;
  return out;
}

int64_t now_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

Json response_object(const wire::Call& call, const wire::AnswerIdentity& identity,
                     const ResponseState& state, const Json& output) {
  Json out;
  out["id"] = identity.id;
  out["object"] = "response";
  out["created_at"] = identity.created_s;
  out["status"] = state.status;
  out["background"] = call.background;
  if (state.status == "completed") out["completed_at"] = now_s();
  out["error"] = state.error ? error_of(*state.error) : Json(nullptr);
  out["incomplete_details"] = state.incomplete_reason.empty()
                                  ? Json(nullptr)
                                  : one_member("reason", state.incomplete_reason);
  out["model"] = identity.model;
  out["output"] = output;
  out["usage"] = state.usage ? usage_of(*state.usage) : Json(nullptr);
  if (const auto repeated = parse_json(call.repeated, "request"); repeated.ok()) {
    for (const auto& [key, value] : repeated.value().items()) out[key] = value;
  }
  const auto conversation = out.find("conversation");
  if (conversation != out.end() && conversation->is_string()) {
    *conversation = one_member("id", conversation->get<std::string>());
  }
  add_defaults(&out);
  return out;
}

}  // namespace overtake::openai
