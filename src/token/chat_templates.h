// ChatTemplates: the chat templates that a model's file carries, and which of them a request takes.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "format/checkpoint.h"
#include "token/chat_template.h"

namespace overtake {

// Immutable after loading; any thread may choose.
class ChatTemplates {
 public:
  // `tokenizer.chat_template` is the default, `tokenizer.chat_template.NAME` a named one. A
  // template that cannot be run is an error only when it is chosen.
  static Result<ChatTemplates> load(const Metadata& metadata);

  // As transformers chooses: "tool_use", where there is one, for a request with tools; else the
  // default. kUnsupported, with the names that there are, if that is missing.
  Result<const ChatTemplate*> choose(bool with_tools) const;

 private:
  std::map<std::string, Result<ChatTemplate>, std::less<>> by_name_;  // the default is ""
};

}  // namespace overtake
