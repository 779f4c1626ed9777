// AnswerRun: what all exchanges that a model answers have in common. A client that leaves cancels
// its answers, a server that stops ends them with an error, and events are taken where the exchange
// lives.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "engine/generator.h"
#include "net/http_server.h"
#include "server/prompt_worker.h"
#include "wire/call_error.h"

namespace overtake {

// The error for a client: as it is, but what is wrong with us goes to the log as well. `id` is the
// request's.
wire::CallError shown_error(wire::CallError shown, const Error& error, std::string_view id);
wire::CallError shown_error(const FailedEvent& failed, std::string_view id);

// Lives on the event loop. After hold() the exchange's callbacks own it until its answer's end.
class AnswerRun : public std::enable_shared_from_this<AnswerRun> {
 public:
  virtual ~AnswerRun() = default;

 protected:
  explicit AnswerRun(std::shared_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)) {}

  void hold();
  // Calls `take` on the loop whenever `answer` has events; at once if it has some now.
  void follow(const Answer& answer, std::function<void()> take);
  // Asks a model; `take` gets what it says unless this is gone then.
  void ask(PromptWorker& worker, ModelQuestion question);
  // On a later turn of the loop, unless this is gone then.
  void later(std::function<void()> task);

  // Answers with an error; nothing where the answer has ended.
  virtual void fail(const wire::CallError& error) = 0;
  // Lets go of the answers: dropping one cancels it.
  virtual void release() = 0;

  std::shared_ptr<HttpExchange> exchange_;
};

}  // namespace overtake
