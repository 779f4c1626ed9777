// What whole and streamed answers of Messages have in common.
#pragma once

#include <optional>
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
// What Anthropic's own model tells besides all that, of a VendorEvent's members; an object.
Json vendor_members(const std::string& json);
// They go where those of `message` and of its objects are missing or null.
void add_members(const Json& members, Json* message);
// A citation as Anthropic gave it; nullopt for those of others, whose places in the text have no
// word here: a block is cited as a whole.
std::optional<Json> citation_json(const CitationEvent& event);
// Of calls from models that give them none.
std::string tool_id(const wire::AnswerIdentity& identity, int index);

}  // namespace overtake::anthropic
