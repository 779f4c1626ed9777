// Errors, counts and lists of models that Anthropic answers with.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "wire/anthropic/client.h"
#include "wire/upstream_answer.h"

namespace overtake::anthropic {
namespace {

using wire::member;
using wire::string_member;

// Anthropic has no code for it: "prompt is too long: 208310 tokens > 200000 maximum", "input length
// and `max_tokens` exceed context limit: ...".
bool is_too_long(std::string_view message) {
  return message.find("prompt is too long") != message.npos ||
         message.find("exceed context limit") != message.npos;
}

// Of a stream, whose status was 200: whether the same request may fare better.
bool may_pass(std::string_view type) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"overloaded_error", "api_error", "rate_limit_error",
                                              "timeout_error", ""},
      [&](std::string_view each) { return each == type; });
}

}  // namespace

FailedEvent read_error_json(const Json& body, int status) {
  const Json* error = member(body, "error");
  if (!error) return wire::unexplained_failure(status);
  const std::string type = string_member(*error, "type");
  const std::string message = string_member(*error, "message");
  FailedEvent out = wire::upstream_failure(status, {.type = type}, message);
  if (status >= 400 && status < 500 && is_too_long(message)) {
    out.error.code = ErrorCode::kContextLength;
    out.upstream->code = "context_length_exceeded";
  }
  if (status == 0 && type == "timeout_error") out.error.code = ErrorCode::kDeadline;
  if (status == 0 && !may_pass(type)) {
    out.error.code = ErrorCode::kInvalidArgument;
    out.retryable = false;
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
  const Json* count = json.ok() ? member(json.value(), "input_tokens") : nullptr;
  if (!count || !count->is_number_unsigned()) {
    return wire::damaged_answer("Anthropic's count_tokens", "no count of tokens");
  }
  return wire::count_member(json.value(), "input_tokens");
}

}  // namespace overtake::anthropic
