#include "server/answer_run.h"

#include <string>
#include <utility>

#include "base/log.h"

namespace overtake {

wire::CallError shown_error(wire::CallError shown, const Error& error, std::string_view id) {
  if (shown.status >= 500) log(LogLevel::kError, std::string(id) + " " + error.message);
  return shown;
}

wire::CallError shown_error(const FailedEvent& failed, std::string_view id) {
  return shown_error(wire::failure_error(failed), failed.error, id);
}

void AnswerRun::hold() {
  exchange_->on_gone([self = shared_from_this()] { self->release(); });
  exchange_->on_stopping([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->fail(wire::plain_error(503, "the server is shutting down; send the request again"));
    }
  });
}

void AnswerRun::follow(const Answer& answer, std::function<void()> take) {
  answer->on_ready([weak = weak_from_this(), exchange = exchange_, take = std::move(take)] {
    exchange->post([weak, take] {
      if (const auto self = weak.lock()) take();
    });
  });
}

void AnswerRun::ask(PromptWorker& worker, ModelQuestion question) {
  auto take = [weak = weak_from_this(), take = std::move(question.take)](Result<Answer> answer) {
    if (const auto self = weak.lock()) take(std::move(answer));
  };
  question.take = std::move(take);
  ask_model(worker, exchange_->poster(), std::move(question));
}

void AnswerRun::later(std::function<void()> task) {
  exchange_->post([weak = weak_from_this(), task = std::move(task)] {
    if (const auto self = weak.lock()) task();
  });
}

}  // namespace overtake
