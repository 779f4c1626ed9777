// The messages of a request to Anthropic, written from the prompt's.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "engine/generate_request.h"

namespace overtake::anthropic {

constexpr std::string_view kDialectName = "anthropic";
constexpr std::string_view kVersionHeader = "anthropic-version";
constexpr std::string_view kVersion = "2023-06-01";

Error cannot_say(std::string_view what, std::string_view instead);

// Of one request. Members that came from this dialect go back into it; those of others stay behind.
class ContentWriter {
 public:
  explicit ContentWriter(bool is_own_dialect) : is_own_(is_own_dialect) {}

  // "system" and "messages".
  Status write(const ChatPrompt& chat, Json* body);
  // The members of `extra` that `into` lacks; objects that both have are joined.
  Status merge(const ExtraFields& extra, Json* into) const;

 private:
  Result<Json> part_json(const ContentPart& part);
  Result<Json> call_json(const ToolCall& call);
  Result<Json> blocks_of(const Message& message);
  Result<Json> tool_result(const Message& message);
  Status write_system(const ChatPrompt& chat, size_t* n_taken, Json* body);
  Status add(const Message& message, Json* messages);
  std::string plain_id(std::string id) const;
  std::string answered_call(const Message& message);

  bool is_own_;
  struct OpenCall {
    std::string name, id;
  };
  std::deque<OpenCall> open_calls_;  // that had no id, so one was made up
  int n_made_ids_ = 0;
  bool in_results_ = false;  // the last message holds tool results and takes more
};

}  // namespace overtake::anthropic
