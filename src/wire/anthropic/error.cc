#include "wire/anthropic/error.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace overtake::anthropic {
namespace {

constexpr int kOverloaded = 529;

const char* type_of(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case kOverloaded:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

}  // namespace

int error_status(const wire::CallError& error) {
  return error.kind == ErrorCode::kExhausted && error.status == 503 ? kOverloaded : error.status;
}

std::string error_json(const wire::CallError& error) {
  Json body;
  body["type"] = "error";
  body["error"]["type"] = type_of(error_status(error));
  body["error"]["message"] = error.message;
  body["request_id"] = error.request_id.empty() ? Json(nullptr) : Json(error.request_id);
  return dump_json(body);
}

std::string stream_error(const wire::CallError& error) {
  return "event: error\ndata: " + error_json(error) + "\n\n";
}

}  // namespace overtake::anthropic
