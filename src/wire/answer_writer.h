// AnswerWriter: the events of a call's choices become a dialect's answer, streamed or whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "engine/event.h"
#include "wire/call_error.h"

namespace overtake::wire {

struct AnswerIdentity {
  std::string id;         // the dialect's prefix and the request's id: "chatcmpl-..."
  int64_t created_s = 0;  // UTC
  std::string model;
};

// Tokens of all choices; a prompt counts once however many answers it gets.
struct UsageTotals {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t cache_write_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t reasoning_tokens = 0;
  int64_t accepted_draft_tokens = 0;
  int64_t rejected_draft_tokens = 0;
  // Of all choices, each of which paid for its prompt; nothing unless every one's is known.
  std::optional<int64_t> cost_nano_usd;
};

// One thread. `out` receives bytes: of a stream as they come, of a whole answer in finish().
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  // Before any event: the request has been taken, and waits. Only of dialects that tell of it.
  virtual void wait(std::string&) {}
  // The next event of choice `index`; not a failed one, and no cancelled end.
  virtual void add(int index, Event event, std::string& out) = 0;
  // All choices have finished.
  virtual void finish(std::string& out) = 0;
  // The answer has failed after it began: writes its end where the dialect's has more in it than
  // Dialect::stream_error, and says whether it did.
  virtual bool fail(const CallError&, std::string&) { return false; }
  // The whole answer as it is so far, where the dialect tells of answers under way; else empty.
  virtual std::string so_far() const { return {}; }
  const UsageTotals& usage() const { return usage_; }
  // Set once the events can not become a proper answer (a tool's arguments are no JSON): what has
  // been written stands, the rest of the answer is this error.
  const std::optional<CallError>& fault() const { return fault_; }

 protected:
  // The arguments of tool call `name` as the object that most dialects want; empty ones are {}.
  // Anything else is a fault.
  std::optional<Json> arguments_object(const std::string& name, const std::string& arguments);
  // Adds what choice `index` used; `n` choices share a prompt.
  void count(int index, int n, const UsageEvent& event);
  UsageTotals usage_;
  int n_counted_ = 0;
  std::optional<CallError> fault_;
};

}  // namespace overtake::wire
