#include "server/count_run.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/uuid.h"
#include "server/completion_run.h"
#include "server/reply.h"

namespace overtake {
namespace {

// Lives on the event loop. The exchange's callbacks own it until its answer.
class CountRun : public std::enable_shared_from_this<CountRun> {
 public:
  CountRun(std::shared_ptr<HttpExchange> exchange, const wire::Dialect& dialect, CountForm form)
      : exchange_(std::move(exchange)), dialect_(dialect), form_(form) {}

  void start(std::shared_ptr<Generator> generator, GenerateRequest request);

 private:
  void pump();
  void fail(const wire::CallError& error, const Error& reason);

  std::shared_ptr<HttpExchange> exchange_;
  std::shared_ptr<Generator> generator_;
  const wire::Dialect& dialect_;
  const CountForm form_;
  std::optional<Answer> answer_;  // until it is given or of no more use
  int64_t count_ = 0;
};

void CountRun::start(std::shared_ptr<Generator> generator, GenerateRequest request) {
  generator_ = std::move(generator);
  auto answer = generator_->count_tokens(std::move(request));
  if (!answer.ok()) return fail(wire::to_call_error(answer.error()), answer.error());
  answer_.emplace(std::move(*answer));
  exchange_->on_gone([self = shared_from_this()] { self->answer_.reset(); });
  exchange_->on_stopping([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->answer_) return;
    const char* words = "the server is shutting down; send the request again";
    self->fail(wire::plain_error(503, words), {ErrorCode::kUnavailable, words});
  });
  (*answer_)->on_ready([weak = weak_from_this(), exchange = exchange_] {
    exchange->post([weak] {
      if (const auto self = weak.lock()) self->pump();
    });
  });
}

void CountRun::pump() {
  while (answer_) {
    const auto event = (*answer_)->try_next();
    if (!event) return;
    if (const auto* usage = std::get_if<UsageEvent>(&*event)) count_ = usage->prompt_tokens;
    if (const auto* failed = std::get_if<FailedEvent>(&*event)) {
      return fail(wire::failure_error(*failed), failed->error);
    }
    if (!is_last(*event)) continue;
    answer_.reset();
    Json body;
    if (!form_.object.empty()) body["object"] = form_.object;
    body[std::string(form_.member)] = count_;
    reply_json(*exchange_, 200, body);
  }
}

void CountRun::fail(const wire::CallError& error, const Error& reason) {
  answer_.reset();
  if (error.status >= 500) log(LogLevel::kError, exchange_->request().id + " " + reason.message);
  reply_error(*exchange_, error, dialect_);
}

}  // namespace

void run_count(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
               const wire::Dialect& dialect, CountForm form, wire::Call call) {
  auto generator = read_call(context, *exchange, dialect, &call);
  if (!generator) return;
  start_count(std::move(generator), std::move(exchange), dialect, form, std::move(call));
}

void start_count(std::shared_ptr<Generator> generator, std::shared_ptr<HttpExchange> exchange,
                 const wire::Dialect& dialect, CountForm form, wire::Call call) {
  GenerateRequest request = call.choice_request(0);
  if (const auto unmet = find_unmet(request, call, dialect, generator->info())) {
    return reply_error(*exchange, *unmet, dialect);
  }
  request.id = make_uuid_v7();
  request.trace_id = exchange->request().id;
  std::make_shared<CountRun>(std::move(exchange), dialect, form)
      ->start(std::move(generator), std::move(request));
}

}  // namespace overtake
