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

  // What to ask the model, or why it can not even be asked.
  std::optional<wire::CallError> prepare(const HttpExchange& exchange, GenerateRequest* request);
  // After prepare(), with what the model gave.
  std::shared_ptr<BackgroundResponse> begin(const HttpExchange& exchange, Answer answer);

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

std::optional<wire::CallError> BackgroundRun::prepare(const HttpExchange& exchange,
                                                      GenerateRequest* out) {
  GenerateRequest& request = *out;
  request = call_.choice_request(0);
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
  return std::nullopt;
}

std::shared_ptr<BackgroundResponse> BackgroundRun::begin(const HttpExchange& exchange,
                                                         Answer answer) {
  answer_.emplace(std::move(answer));
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

wire::CallError too_many() {
  wire::CallError error = wire::plain_error(
      429, "as many responses run in the background as may; wait until some have ended");
  error.code = "too_many_background_responses";
  error.retry_after_ms = 1000;
  return error;
}

// The request that begins one, until it is answered.
class BackgroundBeginning : public AnswerRun {
 public:
  BackgroundBeginning(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                      BackgroundStart start)
      : AnswerRun(std::move(exchange)),
        prompts_(context.prompts),
        responses_(context.background),
        generator_(start.generator),
        streams_(start.call.stream),
        run_(std::make_shared<BackgroundRun>(*responses_, std::move(start),
                                             exchange_->request().id)) {}

  void start() {
    if (!responses_->has_room()) return fail(too_many());
    const auto asked = std::make_shared<GenerateRequest>();
    if (const auto error = run_->prepare(*exchange_, asked.get())) return fail(*error);
    hold();
    ask(*prompts_,
        {.bytes = exchange_->request().body.size(),
         .has_form = asked->format.kind != OutputFormat::Kind::kText,
         .ask = [generator = generator_, asked] { return generator->generate(std::move(*asked)); },
         .take = [this](Result<Answer> answer) { take(std::move(answer)); }});
  }

 private:
  void take(Result<Answer> answer) {
    if (over_) return;
    if (!answer.ok()) {
      return fail(shown_error(wire::to_call_error(answer.error()), answer.error(),
                              exchange_->request().id));
    }
    if (!responses_->has_room()) return fail(too_many());  // others came meanwhile
    over_ = true;
    auto response = run_->begin(*exchange_, std::move(*answer));
    exchange_->note("background");
    if (streams_) return follow_background(exchange_, std::move(response), -1);
    exchange_->send(200, "application/json", response->body);
  }
  void fail(const wire::CallError& error) override {
    if (std::exchange(over_, true)) return;
    reply_error(*exchange_, error, openai::responses_dialect);
  }
  void release() override { over_ = true; }

  std::shared_ptr<PromptWorker> prompts_;
  std::shared_ptr<BackgroundResponses> responses_;
  std::shared_ptr<Generator> generator_;
  bool streams_;
  std::shared_ptr<BackgroundRun> run_;
  bool over_ = false;
};

}  // namespace

void start_background(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                      BackgroundStart start) {
  std::make_shared<BackgroundBeginning>(context, std::move(exchange), std::move(start))->start();
}

}  // namespace overtake
