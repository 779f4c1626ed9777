// The content of Anthropic's messages, read into the prompt's parts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "wire/call.h"
#include "wire/fields.h"

namespace overtake::anthropic {

// A prompt's messages as they are read, one of the client's after the other.
struct MessageList {
  std::vector<Message> messages;
  std::vector<wire::MessageOrigin> origins;
  std::map<std::string, std::string, std::less<>> tool_names;  // by the id of the call

  void add(Message message, wire::MessageOrigin origin);
};

// The "system" of a request, if it has any: a string or blocks of text.
void read_system(wire::Fields& call, MessageList* out);
// One of "messages", which stands at `path`. Its tool results become messages of their own.
void read_message(const Json& json, const std::string& path, wire::Fields& call, MessageList* out);

}  // namespace overtake::anthropic
