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

}  // namespace

std::string error_json(const wire::CallError& error) {
  Json fields;
  fields["message"] = error.message;
  fields["type"] = type_of(error);
  fields["param"] = error.param ? Json(*error.param) : Json(nullptr);
  if (error.kind == ErrorCode::kContextLength) fields["param"] = "messages";
  fields["code"] = error.code ? Json(*error.code) : Json(nullptr);
  Json body;
  body["error"] = std::move(fields);
  return dump_json(body);
}

std::string stream_error(const wire::CallError& error) {
  return "data: " + error_json(error) + "\n\n";
}

}  // namespace overtake::openai
