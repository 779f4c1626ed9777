// Errors, lists of models and counts of tokens that OpenAI and its imitators answer with.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "wire/openai/client.h"
#include "wire/upstream_answer.h"

namespace overtake::openai {
namespace {

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  if (at == object.end()) return {};
  if (at->is_string()) return at->get<std::string>();
  return at->is_number_integer() ? at->dump() : std::string();
}

}  // namespace

// {"error": {"message", "type", "code"}}; {"error": "..."}; flat {"message", "type"} (older vLLM);
// {"detail"} (FastAPI); any of them in an array (Google's imitation).
FailedEvent read_error_json(const Json& body, int status) {
  const Json& whole = body.is_array() && !body.empty() ? body[0] : body;
  const Json& error = whole.is_object() && whole.contains("error") ? whole["error"] : whole;
  std::string message = error.is_string() ? error.get<std::string>() : text_of(error, "message");
  if (message.empty()) message = text_of(error, "detail");
  FailedEvent out = wire::upstream_failure(
      status, {.type = text_of(error, "type"), .code = text_of(error, "code")}, std::move(message));
  const bool is_the_clients = status >= 400 && status < 500;
  if (is_the_clients && out.upstream->code == "context_length_exceeded") {
    out.error.code = ErrorCode::kContextLength;
  }
  return out;
}

FailedEvent read_error(const HttpResponseHead& head, std::string_view body) {
  const auto json = parse_json(body, "error");
  return json.ok() ? read_error_json(json.value(), head.status)
                   : wire::unexplained_failure(head.status);
}

Result<std::vector<std::string>> read_models(std::string_view body) {
  const Json json = TRY(parse_json(body, "list of models"));
  return wire::model_names(wire::member(json, "data"), {"id"});
}

Result<int64_t> read_count(std::string_view body) {
  const auto json = parse_json(body, "count");
  const Json* count = json.ok() ? wire::member(json.value(), "input_tokens") : nullptr;
  if (!count || !count->is_number_unsigned()) {
    return wire::damaged_answer("OpenAI's input_tokens", "no count of tokens");
  }
  return wire::count_member(json.value(), "input_tokens");
}

}  // namespace overtake::openai
