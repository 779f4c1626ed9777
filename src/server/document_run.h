// DocumentRun: an exchange whose answer is one document, made of one model's answer: a count,
// embeddings.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/answer_run.h"
#include "wire/dialect.h"

namespace overtake {

class DocumentRun : public AnswerRun {
 protected:
  // `errors` is the dialect in whose shape they are told.
  DocumentRun(std::shared_ptr<HttpExchange> exchange, const wire::Dialect& errors)
      : AnswerRun(std::move(exchange)), errors_(errors) {}

  // After hold().
  void begin(Result<Answer> answer);
  // An event that is no failure; the end too, unless it is a cancelled one.
  virtual void take(Event event) = 0;
  void reply(std::string body, const std::string& note);
  void fail(const wire::CallError& error) override;
  void release() override;

 private:
  void pump();

  const wire::Dialect& errors_;
  std::optional<Answer> answer_;  // until its last event
  bool over_ = false;
};

}  // namespace overtake
