// CallError: what is wrong with a call, before a dialect gives it its own shape; and the one table
// from our error codes to statuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/event.h"

namespace overtake::wire {

struct CallError {
  ErrorCode kind = ErrorCode::kInternal;
  int status = 500;
  std::string message;
  std::optional<std::string> param;       // the field that is wrong: "messages[0].content"
  std::optional<std::string> code;        // our stable name for it: "context_length_exceeded"
  std::string request_id;                 // for dialects whose errors name it
  std::optional<int64_t> retry_after_ms;  // when it makes sense to try again
};

// Messages of errors that are not the client's (a damaged file, a failed invariant) stay in our
// log: the client is told only that the server failed.
CallError to_call_error(const Error& error);
// What an upstream refuses for the request's sake keeps its status and words; what is between us
// and the upstream (our key, its failures, a broken answer) is 502, 503 or 504.
CallError failure_error(const FailedEvent& failed);
CallError invalid_field(std::string param, std::string message);
CallError unsupported_field(std::string param, std::string message);
CallError model_not_found(std::string_view model);
// For statuses that carry no error of ours (404, 405, 413 ...).
CallError plain_error(int status, std::string message);

}  // namespace overtake::wire
