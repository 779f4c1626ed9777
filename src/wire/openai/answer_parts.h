// Pieces that chat completions and completions write alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/openai/answer.h"

namespace overtake::openai {

std::string_view finish_reason_name(FinishReason reason);
Json usage_json(const wire::UsageTotals& usage);
// {"id", "object", "created", "model", "system_fingerprint"}
Json envelope_json(const wire::AnswerIdentity& identity, std::string_view object);
// The id of call `tool` of choice `choice` where the model gave it none: clients name calls by it.
std::string tool_call_id(const wire::AnswerIdentity& identity, int choice, int tool);
// `value` as one server-sent event.
void append_event(const Json& value, std::string& out);
void append_json_string(std::string_view text, std::string& out);

bool is_valid_utf8(std::string_view bytes);
// {"content": [{"token", "logprob", "bytes", "top_logprobs"}], "refusal": null}
Json chat_logprobs_json(const std::vector<TokenLogprob>& tokens);

// The parallel arrays of completions' logprobs.
struct CompletionLogprobs {
  // `first_has_none`: the first token of a prompt has no probability.
  void add(const std::vector<TokenLogprob>& tokens, bool first_has_none);
  // What was added since the last call; the offset goes on.
  Json take();

  bool wanted = false;
  int64_t offset = 0;  // characters of the choice's text so far
  std::vector<std::string> tokens;
  std::vector<Json> logprobs;
  std::vector<Json> top;
  std::vector<int64_t> offsets;
};

}  // namespace overtake::openai
