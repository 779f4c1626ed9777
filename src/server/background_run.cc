#include "server/background_run.h"

#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/uuid.h"
#include "server/answer_run.h"
#include "server/completion_run.h"
#include "server/reply.h"
#include "wire/openai/dialect.h"

namespace overtake {
namespace {

// Lives on the event loop. The response's `cancel` owns it until its end.
class BackgroundRun : public std::enable_shared_from_this<BackgroundRun> {
 public:
  BackgroundRun(BackgroundResponses& responses, BackgroundStart start, std::string uuid)
      : responses_(responses),
        start_(std::move(start)),
        call_(start_.call),
        generator_(*start_.generator),
        uuid_(std::move(uuid)) {}

  // The error, where it can not even begin.
  std::optional<wire::CallError> generate(const HttpExchange& exchange);
  // After generate().
  std::shared_ptr<BackgroundResponse> begin(const HttpExchange& exchange);

 private:
  void keep(wire::KeptAnswer answer);
  void pump();
  void handle(Event event);
  void fail(const wire::CallError& error);
  void end();

  BackgroundResponses& responses_;
  BackgroundStart start_;
  wire::Call& call_;
  Generator& generator_;
  const std::string uuid_;
  std::shared_ptr<BackgroundResponse> response_;
  std::optional<Answer> answer_;  // until the end
  std::unique_ptr<wire::AnswerWriter> writer_;
  std::string out_;
};

std::optional<wire::CallError> BackgroundRun::generate(const HttpExchange& exchange) {
  GenerateRequest request = call_.choice_request(0);
  if (const auto unmet = find_unmet(request, call_, openai::responses_dialect, generator_.info())) {
    return unmet;
  }
  call_.stream = true;
  call_.prompts.clear();  // it may be large, and be held for long
  request.id = make_uuid_v7();
  request.trace_id = uuid_;
  request.model = generator_.info().name;
  request.stream = true;
  if (request.workload.empty()) {
    request.workload = exchange.request().header("x-overtake-workload").value_or("");
  }
  auto answer = generator_.generate(std::move(request));
  if (!answer.ok()) {
    return shown_error(wire::to_call_error(answer.error()), answer.error(), uuid_);
  }
  answer_.emplace(std::move(*answer));
  return std::nullopt;
}

std::shared_ptr<BackgroundResponse> BackgroundRun::begin(const HttpExchange& exchange) {
  const std::string id = std::string(openai::responses_dialect.id_prefix) + uuid_;
  response_ = responses_.add(std::move(start_.tenant), id, std::move(start_.input));
  response_->cancel = [self = shared_from_this()] {
    self->fail(wire::to_call_error({ErrorCode::kCancelled, "the response was cancelled"}));
  };
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  call_.keep = [this](wire::KeptAnswer answer) { keep(std::move(answer)); };
  writer_ = openai::responses_dialect.make_writer(
      call_,
      {id, std::chrono::duration_cast<std::chrono::seconds>(now).count(), generator_.info().name});
  response_->so_far = [this] { return writer_->so_far(); };  // ends before this does
  writer_->wait(out_);
  responses_.append(*response_, std::exchange(out_, {}));
  (*answer_)->on_ready([weak = weak_from_this(), post = exchange.poster()] {
    post([weak] {
      if (const auto self = weak.lock()) self->pump();
    });
  });
  return response_;
}

// What is whole goes where later requests look for it; all else is told from here.
void BackgroundRun::keep(wire::KeptAnswer answer) {
  std::string status = answer.status;
  std::string body = answer.body;
  const bool is_whole = status == "completed" || status == "incomplete";
  if (is_whole && start_.keep(std::move(answer))) body.clear();
  responses_.set_state(*response_, std::move(status), std::move(body));
}

void BackgroundRun::pump() {
  while (answer_) {
    auto event = (*answer_)->try_next();
    if (!event) break;
    handle(std::move(*event));
  }
  if (answer_ && !out_.empty()) responses_.append(*response_, std::exchange(out_, {}));
}

void BackgroundRun::handle(Event event) {
  if (const auto* failed = std::get_if<FailedEvent>(&event)) {
    return fail(shown_error(*failed, uuid_));
  }
  const auto* finished = std::get_if<FinishedEvent>(&event);
  if (finished && finished->reason == FinishReason::kCancelled) {
    return fail(wire::to_call_error({ErrorCode::kCancelled, "the answer was cancelled"}));
  }
  const bool is_end = finished != nullptr;
  writer_->add(0, std::move(event), out_);
  if (writer_->fault()) return fail(wire::CallError(*writer_->fault()));
  if (!is_end) return;
  writer_->finish(out_);
  end();
}

void BackgroundRun::fail(const wire::CallError& error) {
  if (!answer_) return;
  writer_->fail(error, out_);
  end();
}

void BackgroundRun::end() {
  const auto self = shared_from_this();  // the response lets go of it
  answer_.reset();
  responses_.append(*response_, std::exchange(out_, {}));
  const wire::UsageTotals& usage = writer_->usage();
  log(LogLevel::kInfo,
      fmt::format("{} background: {} prompt_tokens={} completion_tokens={}", uuid_,
                  response_->status, usage.prompt_tokens, usage.completion_tokens));
  responses_.end(response_);
}

}  // namespace

void start_background(BackgroundResponses& responses, std::shared_ptr<HttpExchange> exchange,
                      BackgroundStart start) {
  const wire::Dialect& dialect = openai::responses_dialect;
  if (!responses.has_room()) {
    wire::CallError error = wire::plain_error(
        429, "as many responses run in the background as may; wait until some have ended");
    error.code = "too_many_background_responses";
    error.retry_after_ms = 1000;
    return reply_error(*exchange, error, dialect);
  }
  const bool streams = start.call.stream;
  const auto run =
      std::make_shared<BackgroundRun>(responses, std::move(start), exchange->request().id);
  if (const auto error = run->generate(*exchange)) return reply_error(*exchange, *error, dialect);
  auto response = run->begin(*exchange);
  exchange->note("background");
  if (streams) return follow_background(std::move(exchange), std::move(response), -1);
  exchange->send(200, "application/json", response->body);
}

}  // namespace overtake
