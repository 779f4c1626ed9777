// The object that a Responses answer is.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::openai {

struct ResponseState {
  std::string_view status = "in_progress";
  std::string_view incomplete_reason = {};  // empty: null
  const wire::CallError* error = nullptr;
  const wire::UsageTotals* usage = nullptr;  // null before the end
};
// With all members that clients count on, whatever the request had.
Json response_object(const wire::Call& call, const wire::AnswerIdentity& identity,
                     const ResponseState& state, const Json& output);

}  // namespace overtake::openai
