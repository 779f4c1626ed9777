// OpenAI's Responses: what the files of its codec share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/feature.h"
#include "wire/answer_writer.h"
#include "wire/call.h"
#include "wire/fields.h"

namespace overtake::openai {

// As GenerateRequest::dialect. Not "openai": most members of the two APIs have other meanings.
constexpr std::string_view kResponsesName = "openai-responses";

// As wire::Dialect's members.
std::optional<wire::CallError> parse_responses_request(const Json& body, wire::Call* call);
std::unique_ptr<wire::AnswerWriter> make_responses_writer(const wire::Call& call,
                                                          wire::AnswerIdentity identity);
std::string responses_field_of(const FeatureUse& use);

// Those members of `extra`, of a Responses request, that chat completions know in the same meaning,
// as these have them; and the other way.
ExtraFields shared_with_chat(const ExtraFields& extra);
ExtraFields shared_with_responses(const ExtraFields& extra);

// A conversation's items as messages; what is wrong goes to `fields`.
struct ItemMessages {
  std::vector<Message> messages;
  std::vector<wire::MessageOrigin> origins;  // of each
};
// `items` is an array that stands at `path`: "input".
void read_items(const Json& items, const std::string& path, wire::Fields& fields,
                ItemMessages* out);
// Parts of a message's content, or of a tool's output, at `path`.
void read_item_parts(const Json& parts, const std::string& path, wire::Fields& fields,
                     std::vector<ContentPart>* out);

void read_responses_tools(wire::Fields& fields, ChatPrompt* out);
void read_text_config(wire::Fields& fields, GenerateRequest* out);

// Puts what was said before into the call, after its instructions and before its own messages.
void insert_history(ItemMessages history, wire::Call* call);

// The input as it is kept and listed: messages with parts, an id of its own for each item. `id`
// is a UUID, part of theirs: "msg_ID_0".
Json input_items(const Json& input, std::string_view id);
// The id of the conversation that a request, which is parsed, belongs to; or empty.
std::string conversation_of(const Json& body);
// The UUID in an item's id, or empty.
std::string_view id_of_item(std::string_view item_id);
// An item's id that tells the one which its vendor gave it too, "rs_ID_o0.rs_68af", and the latter
// of such an id; any other is the vendor's itself. OpenAI reads reasoning only under its own id.
std::string with_vendors_id(std::string id, std::string_view vendors);
std::string vendors_id(std::string_view id);

}  // namespace overtake::openai
