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

namespace {

int status_for_client(const FailedEvent& failed) {
  const int theirs = failed.upstream->status;
  // Google refuses the operator's key with 400.
  const bool is_operators = failed.error.code == ErrorCode::kUnauthenticated ||
                            failed.error.code == ErrorCode::kPermissionDenied;
  if (is_operators) return 502;
  switch (theirs) {
    case 400:
    case 404:
    case 409:
    case 413:
    case 422:
    case 429:
    case 503:
    case 504:
      return theirs;
    case 408:
      return 504;
    case 529:  // Anthropic: overloaded
      return 503;
    case 401:  // the operator's key, which is not the client's to mend
    case 402:
    case 403:
    case 407:
      return 502;
    default:
      if (failed.error.code == ErrorCode::kDeadline) return 504;
      return theirs >= 400 && theirs < 500 ? 400 : 502;
  }
}

const char* code_for_client(int status) {
  switch (status) {
    case 429:
      return "rate_limit_exceeded";
    case 503:
      return "overloaded";
    case 504:
      return "timeout";
    default:
      return status >= 500 ? "upstream_error" : nullptr;
  }
}

}  // namespace

CallError failure_error(const FailedEvent& failed) {
  CallError out;
  if (failed.upstream) {
    out = plain_error(status_for_client(failed), failed.error.message);
    if (const char* code = code_for_client(out.status)) out.code = code;
    if (out.status < 500 && !failed.upstream->code.empty()) out.code = failed.upstream->code;
    if (failed.error.code == ErrorCode::kContextLength) out.kind = failed.error.code;
    if (failed.upstream->retry_after_ms) out.retry_after_ms = failed.upstream->retry_after_ms;
  } else {
    out = to_call_error(failed.error);
  }
  if (failed.retryable && !out.retry_after_ms) out.retry_after_ms = kRetryAfterMs;
  return out;
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
