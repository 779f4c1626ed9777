// AnswerWriter: the events of a call's choices become OpenAI's answer, streamed or whole.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/generator.h"
#include "wire/openai/request.h"

namespace overtake::openai {

struct AnswerIdentity {
  std::string id;         // "chatcmpl-..."
  int64_t created_s = 0;  // UTC
  std::string model;
};

// Tokens of all choices; a prompt counts once however many answers it gets.
struct UsageTotals {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
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
  void count(int index, int n, const UsageEvent& event);
  UsageTotals usage_;
};

// `call` must outlive the writer.
std::unique_ptr<AnswerWriter> make_chat_writer(const CompletionCall& call, AnswerIdentity identity);
std::unique_ptr<AnswerWriter> make_completion_writer(const CompletionCall& call,
                                                     AnswerIdentity identity);

// An error that comes when the stream has begun: clients look for a top-level "error" in the data
// of an event without a name; anything else passes for success.
std::string stream_error(const ApiError& error);

}  // namespace overtake::openai
