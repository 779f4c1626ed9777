#include "wire/openai/error.h"

#include <fmt/core.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace overtake::openai {
namespace {

struct Mapping {
  ErrorCode from;
  int status;
  const char* type;
  const char* code;  // null: none
  bool show;         // whether the message is meant for clients
};

constexpr Mapping kMappings[] = {
    {ErrorCode::kInvalidArgument, 400, "invalid_request_error", nullptr, true},
    {ErrorCode::kNotFound, 404, "invalid_request_error", "not_found", true},
    {ErrorCode::kDamaged, 500, "server_error", "internal_error", false},
    {ErrorCode::kUnsupported, 400, "invalid_request_error", "unsupported_value", true},
    {ErrorCode::kContextLength, 400, "invalid_request_error", "context_length_exceeded", true},
    {ErrorCode::kExhausted, 503, "server_error", "overloaded", true},
    {ErrorCode::kUnauthenticated, 401, "invalid_request_error", "invalid_api_key", true},
    {ErrorCode::kPermissionDenied, 403, "permission_error", "permission_denied", true},
    {ErrorCode::kCancelled, 503, "server_error", "cancelled", true},
    {ErrorCode::kDeadline, 504, "server_error", "timeout", true},
    {ErrorCode::kUnavailable, 503, "server_error", "unavailable", true},
    {ErrorCode::kIo, 500, "server_error", "internal_error", false},
    {ErrorCode::kInternal, 500, "server_error", "internal_error", false},
};

ApiError bad_request(std::string param, std::string message, std::optional<std::string> code) {
  ApiError error;
  error.status = 400;
  error.message = std::move(message);
  error.type = "invalid_request_error";
  error.param = std::move(param);
  error.code = std::move(code);
  return error;
}

}  // namespace

ApiError to_api_error(const Error& error) {
  for (const Mapping& mapping : kMappings) {
    if (mapping.from != error.code) continue;
    ApiError out;
    out.status = mapping.status;
    out.type = mapping.type;
    if (mapping.code) out.code = mapping.code;
    out.message = mapping.show ? error.message
                               : "the server failed to answer; the operator finds the reason in "
                                 "its log under the x-request-id";
    if (error.code == ErrorCode::kContextLength) out.param = "messages";
    out.retry_later = mapping.status == 503;
    return out;
  }
  return plain_error(500, "the server failed to answer");
}

ApiError invalid_field(std::string param, std::string message) {
  return bad_request(std::move(param), std::move(message), "invalid_value");
}

ApiError unsupported_field(std::string param, std::string message) {
  return bad_request(std::move(param), std::move(message), "unsupported_parameter");
}

ApiError model_not_found(std::string_view model) {
  ApiError error = bad_request(
      "model",
      fmt::format("the model \"{}\" is not served here; GET /v1/models lists those that are",
                  model),
      "model_not_found");
  error.status = 404;
  return error;
}

ApiError plain_error(int status, std::string message) {
  ApiError error;
  error.status = status;
  error.message = std::move(message);
  error.type = status >= 500 ? "server_error" : "invalid_request_error";
  error.retry_later = status == 503;
  return error;
}

std::string error_json(const ApiError& error) {
  Json fields;
  fields["message"] = error.message;
  fields["type"] = error.type;
  fields["param"] = error.param ? Json(*error.param) : Json(nullptr);
  fields["code"] = error.code ? Json(*error.code) : Json(nullptr);
  Json body;
  body["error"] = std::move(fields);
  return dump_json(body);
}

}  // namespace overtake::openai
