// AnswerWriter: the events of a call's choices become a dialect's answer, streamed or whole.
#pragma once

#include <cstdint>
#include <string>

#include "engine/event.h"

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
};

// One thread. `out` receives bytes: of a stream as they come, of a whole answer in finish().
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  // The next event of choice `index`; not a failed one, and no cancelled end.
  virtual void add(int index, Event event, std::string& out) = 0;
  // All choices have finished.
  virtual void finish(std::string& out) = 0;
  const UsageTotals& usage() const { return usage_; }

 protected:
  // Adds what choice `index` used; `n` choices share a prompt.
  void count(int index, int n, const UsageEvent& event);
  UsageTotals usage_;
};

}  // namespace overtake::wire
