#include "wire/gemini/error.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace overtake::gemini {
namespace {

// google.rpc.Code.
const char* status_of(int http) {
  switch (http) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 408:
    case 504:
      return "DEADLINE_EXCEEDED";
    case 409:
      return "ABORTED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 405:
    case 501:
      return "UNIMPLEMENTED";
    case 502:
    case 503:
      return "UNAVAILABLE";
    default:
      return http >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

}  // namespace

std::string error_json(const wire::CallError& error) {
  Json fields{
      {"code", error.status}, {"message", error.message}, {"status", status_of(error.status)}};
  if (error.param) {
    Json violation{{"field", *error.param}, {"description", error.message}};
    fields["details"].push_back(Json{{"@type", "type.googleapis.com/google.rpc.BadRequest"},
                                     {"fieldViolations", Json::array({std::move(violation)})}});
  }
  return dump_json(Json{{"error", std::move(fields)}});
}

std::string event_error(const wire::CallError& error) {
  return "data: " + error_json(error) + "\n\n";
}

std::string array_error(const wire::CallError& error) { return error_json(error) + "]"; }

}  // namespace overtake::gemini
