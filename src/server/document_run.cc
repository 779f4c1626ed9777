#include "server/document_run.h"

#include <utility>

#include "server/reply.h"

namespace overtake {
namespace {

// What is taken in one turn of the loop: thousands of vectors at once would hold up everyone else.
constexpr int kEventsPerTurn = 64;

}  // namespace

void DocumentRun::begin(Result<Answer> answer) {
  if (over_) return;
  if (!answer.ok()) {
    return fail(
        shown_error(wire::to_call_error(answer.error()), answer.error(), exchange_->request().id));
  }
  answer_.emplace(std::move(*answer));
  follow(*answer_, [this] { pump(); });
}

void DocumentRun::pump() {
  for (int i = 0; answer_; ++i) {
    if (i == kEventsPerTurn) return later([this] { pump(); });
    auto event = (*answer_)->try_next();
    if (!event) return;
    if (const auto* failed = std::get_if<FailedEvent>(&*event)) {
      return fail(shown_error(*failed, exchange_->request().id));
    }
    const auto* finished = std::get_if<FinishedEvent>(&*event);
    if (finished && finished->reason == FinishReason::kCancelled) {
      return fail(wire::to_call_error({ErrorCode::kCancelled, "the answer was cancelled"}));
    }
    if (finished) answer_.reset();
    take(std::move(*event));
  }
}

void DocumentRun::reply(std::string body, const std::string& note) {
  release();
  if (!note.empty()) exchange_->note(note);
  exchange_->send(200, "application/json", std::move(body));
}

void DocumentRun::fail(const wire::CallError& error) {
  if (over_) return;
  release();
  exchange_->note("error=" + error.code.value_or(error_code_name(error.kind)));
  reply_error(*exchange_, error, errors_);
}

void DocumentRun::release() {
  over_ = true;
  answer_.reset();
}

}  // namespace overtake
