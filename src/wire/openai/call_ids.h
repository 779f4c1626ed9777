// CallIds: ids for the tool calls of dialects that have none, and for the results that answer them.
#pragma once

#include <deque>
#include <string>

#include "engine/generate_request.h"

namespace overtake::openai {

// Of one request, whose messages are asked for in their order.
class CallIds {
 public:
  // The call's own, or one that is made for it.
  std::string id_of(const ToolCall& call);
  // Of the call that a tool message answers; where its dialect has none, the oldest open one of
  // that name.
  std::string answered_by(const Message& message);

 private:
  struct OpenCall {
    std::string name, id;
  };
  std::deque<OpenCall> open_;  // that had no id
  int n_made_ = 0;
};

}  // namespace overtake::openai
