// Dialect: how one vendor's clients ask for answers and read them. The server speaks all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "engine/feature.h"
#include "wire/answer_writer.h"
#include "wire/call.h"
#include "wire/call_error.h"

namespace overtake::wire {

struct Dialect {
  std::string_view name;         // "openai": see GenerateRequest::dialect
  std::string_view id_prefix;    // of answers: "chatcmpl-"
  std::string_view stream_type;  // "text/event-stream"
  // Fills `call`, or says what is wrong and where. `call` comes with what the route says (Gemini's
  // has model and stream in its path). Members that the dialect does not know are kept in `extra`.
  std::optional<CallError> (*parse)(const Json& body, Call* call);
  // `call` outlives the writer.
  std::unique_ptr<AnswerWriter> (*make_writer)(const Call& call, AnswerIdentity identity);
  // The body of an answer that is an error, and an error after a stream has begun.
  std::string (*error_body)(const CallError& error);
  std::string (*stream_error)(const CallError& error);
  // The member of a request that asks for what its model can not do: "messages[0].content[1]".
  std::string (*field_of)(const FeatureUse& use);
  // A header with the request's id besides x-request-id; empty: none.
  std::string_view id_header = {};
  // An error's status where it is not CallError's; null: it always is.
  int (*status_of)(const CallError& error) = nullptr;
  // The header by which clients ask for unfinished features: see GenerateRequest::betas. Empty:
  // none.
  std::string_view betas_header = {};
};

}  // namespace overtake::wire
