// Errors in OpenAI's shape, and the one table from our error codes to its statuses and codes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake::openai {

struct ApiError {
  int status = 500;
  std::string message;
  std::string type;
  std::optional<std::string> param;  // the field that is wrong: "messages[0].content"
  std::optional<std::string> code;
  bool retry_later = false;  // send Retry-After
};

// Messages of errors that are not the client's (a damaged file, a failed invariant) stay in our
// log: the client is told only that the server failed.
ApiError to_api_error(const Error& error);
ApiError invalid_field(std::string param, std::string message);
ApiError unsupported_field(std::string param, std::string message);
ApiError model_not_found(std::string_view model);
// For statuses that carry no error of ours (404, 405, 413 ...).
ApiError plain_error(int status, std::string message);

// {"error": {"message", "type", "param", "code"}}
std::string error_json(const ApiError& error);

}  // namespace overtake::openai
