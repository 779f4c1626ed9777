// What whole and streamed answers of Messages have in common.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "wire/answer_writer.h"
#include "wire/call.h"

namespace overtake::anthropic {

// Anthropic's input_tokens are those that no cache had a part in.
Json usage_json(const wire::UsageTotals& usage);
// The message without content: a stream begins with it.
Json message_json(const wire::AnswerIdentity& identity, const wire::UsageTotals& usage);
std::string stop_reason(const FinishedEvent& finished, const wire::UsageTotals& usage,
                        const wire::Call& call);
Json stop_sequence_json(const FinishedEvent& finished);
// Of calls from models that give them none.
std::string tool_id(const wire::AnswerIdentity& identity, int index);

}  // namespace overtake::anthropic
