#include "wire/openai/error.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace overtake::openai {
namespace {

const char* type_of(const wire::CallError& error) {
  if (error.status >= 500) return "server_error";
  if (error.status == 429) return "rate_limit_error";
  return error.status == 403 ? "permission_error" : "invalid_request_error";
}

std::string body_of(const wire::CallError& error, const char* prompt) {
  Json fields;
  fields["message"] = error.message;
  fields["type"] = type_of(error);
  fields["param"] = error.param ? Json(*error.param) : Json(nullptr);
  if (error.kind == ErrorCode::kContextLength) fields["param"] = prompt;
  fields["code"] = error.code ? Json(*error.code) : Json(nullptr);
  Json body;
  body["error"] = std::move(fields);
  return dump_json(body);
}

}  // namespace

std::string error_json(const wire::CallError& error) { return body_of(error, "messages"); }

std::string stream_error(const wire::CallError& error) {
  return "data: " + error_json(error) + "\n\n";
}

std::string responses_error_json(const wire::CallError& error) { return body_of(error, "input"); }

Json responses_error_members(const wire::CallError& error) {
  Json members;
  members["code"] = error.code ? Json(*error.code) : Json(nullptr);
  members["message"] = error.message;
  members["param"] = error.param ? Json(*error.param) : Json(nullptr);
  return members;
}

std::string responses_stream_error(const wire::CallError& error) {
  Json event;
  event["type"] = "error";
  event["sequence_number"] = 0;
  event.update(responses_error_members(error));
  return "event: error\ndata: " + dump_json(event) + "\n\n";
}

}  // namespace overtake::openai
