#include "wire/call_error.h"

#include <fmt/core.h>

namespace overtake::wire {
namespace {

constexpr int64_t kRetryAfterMs = 1000;

struct Mapping {
  ErrorCode kind;
  int status;
  const char* code;  // null: none
  bool show;         // whether the message is meant for clients
};

constexpr Mapping kMappings[] = {
    {ErrorCode::kInvalidArgument, 400, nullptr, true},
    {ErrorCode::kNotFound, 404, "not_found", true},
    {ErrorCode::kDamaged, 500, "internal_error", false},
    {ErrorCode::kUnsupported, 400, "unsupported_value", true},
    {ErrorCode::kContextLength, 400, "context_length_exceeded", true},
    {ErrorCode::kExhausted, 503, "overloaded", true},
    {ErrorCode::kUnauthenticated, 401, "invalid_api_key", true},
    {ErrorCode::kPermissionDenied, 403, "permission_denied", true},
    {ErrorCode::kCancelled, 503, "cancelled", true},
    {ErrorCode::kDeadline, 504, "timeout", true},
    {ErrorCode::kUnavailable, 503, "unavailable", true},
    {ErrorCode::kIo, 500, "internal_error", false},
    {ErrorCode::kInternal, 500, "internal_error", false},
};

ErrorCode kind_of(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 408:
    case 504:
      return ErrorCode::kDeadline;
    case 429:
      return ErrorCode::kExhausted;
    case 502:
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return status >= 500 ? ErrorCode::kInternal : ErrorCode::kInvalidArgument;
  }
}

CallError bad_request(std::string param, std::string message, std::string code) {
  CallError error;
  error.kind = ErrorCode::kInvalidArgument;
  error.status = 400;
  error.message = std::move(message);
  error.param = std::move(param);
  error.code = std::move(code);
  return error;
}

}  // namespace

CallError to_call_error(const Error& error) {
  for (const Mapping& mapping : kMappings) {
    if (mapping.kind != error.code) continue;
    CallError out;
    out.kind = error.code;
    out.status = mapping.status;
    if (mapping.code) out.code = mapping.code;
    out.message = mapping.show ? error.message
                               : "the server failed to answer; the operator finds the reason in "
                                 "its log under the x-request-id";
    if (mapping.status == 503) out.retry_after_ms = kRetryAfterMs;
    return out;
  }
  return plain_error(500, "the server failed to answer");
}

CallError invalid_field(std::string param, std::string message) {
  return bad_request(std::move(param), std::move(message), "invalid_value");
}

CallError unsupported_field(std::string param, std::string message) {
  return bad_request(std::move(param), std::move(message), "unsupported_parameter");
}

CallError model_not_found(std::string_view model) {
  CallError error = bad_request(
      "model",
      fmt::format("the model \"{}\" is not served here; GET /v1/models lists those that are",
                  model),
      "model_not_found");
  error.kind = ErrorCode::kNotFound;
  error.status = 404;
  return error;
}

CallError plain_error(int status, std::string message) {
  CallError error;
  error.kind = kind_of(status);
  error.status = status;
  error.message = std::move(message);
  if (status == 503) error.retry_after_ms = kRetryAfterMs;
  return error;
}

}  // namespace overtake::wire
