#include "server/completion_run.h"

#include <fmt/core.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "server/answer_run.h"
#include "server/reply.h"
#include "wire/betas.h"

namespace overtake {
namespace {

// Events stay in their queues while the client has this much to take.
constexpr size_t kOutputHighWater = 64 << 10;
// What the prompts of all choices may have together: each is a request of its own to an upstream.
constexpr size_t kMaxPromptBytes = 256u << 20;

class CompletionRun : public AnswerRun {
 public:
  CompletionRun(std::shared_ptr<HttpExchange> exchange, ReadCall read, const wire::Dialect& dialect)
      : AnswerRun(std::move(exchange)),
        prompts_(read.context.prompts),
        generator_(std::move(read.generator)),
        dialect_(dialect),
        call_(std::move(read.call)) {}

  void start();

 private:
  size_t n_choices() const { return static_cast<size_t>(call_.n_choices()); }
  void generate_next();
  void take_next(Result<Answer> answer);
  void pump(size_t index);
  void pump_all();
  void handle(size_t index, Event event);
  void write_out();
  void complete();
  void fail(const wire::CallError& error) override;
  void release() override;

  std::shared_ptr<PromptWorker> prompts_;
  std::shared_ptr<Generator> generator_;
  const wire::Dialect& dialect_;
  wire::Call call_;
  std::vector<Answer> answers_;  // of the choices so far
  std::unique_ptr<wire::AnswerWriter> writer_;
  std::string out_;
  size_t n_finished_ = 0;
  bool streaming_ = false;
  bool done_ = false;
};

void CompletionRun::start() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  writer_ =
      dialect_.make_writer(call_, {std::string(dialect_.id_prefix) + exchange_->request().id,
                                   std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                                   generator_->info().name});
  hold();
  exchange_->on_drained([this, weak = weak_from_this()] {
    if (const auto self = weak.lock()) pump_all();
  });
  const size_t bytes = exchange_->request().body.size();
  if (bytes > kMaxPromptBytes / static_cast<size_t>(call_.n)) {
    return fail(wire::plain_error(
        400, fmt::format("{} answers to a request of {} bytes are too much at once; ask for fewer",
                         call_.n, bytes)));
  }
  generate_next();
}

// One choice a turn of the loop: reading a long prompt takes a model a moment, and 128 of them
// must not hold up everyone else.
void CompletionRun::generate_next() {
  if (done_) return;
  const HttpRequest& request = exchange_->request();
  const size_t index = answers_.size();
  GenerateRequest one = call_.choice_request(static_cast<int>(index));
  one.id = make_uuid_v7();
  one.trace_id = request.id;
  one.model = generator_->info().name;
  one.stream = call_.stream;
  if (const auto unmet = find_unmet(one, call_, dialect_, generator_->info())) return fail(*unmet);
  if (one.workload.empty()) one.workload = request.header("x-overtake-workload").value_or("");
  const auto asked = std::make_shared<GenerateRequest>(std::move(one));
  ask(*prompts_,
      {.bytes = request.body.size(),
       .has_form = asked->format.kind != OutputFormat::Kind::kText,
       .ask = [generator = generator_, asked] { return generator->generate(std::move(*asked)); },
       .take = [this](Result<Answer> answer) { take_next(std::move(answer)); }});
}

void CompletionRun::take_next(Result<Answer> answer) {
  if (done_) return;
  if (!answer.ok()) {
    return fail(
        shown_error(wire::to_call_error(answer.error()), answer.error(), exchange_->request().id));
  }
  const size_t index = answers_.size();
  answers_.push_back(std::move(*answer));
  pump(index);
  if (done_) return;
  follow(answers_[index], [this, index] { pump(index); });
  if (answers_.size() == n_choices()) {
    // They may be large, and be held for as long as the answers take; an echo needs its own.
    if (!call_.echo) call_.prompts.assign(call_.prompts.size(), TokenPrompt{});
    return;
  }
  later([this] { generate_next(); });
}

void CompletionRun::pump_all() {
  for (size_t i = 0; i < answers_.size() && !done_; ++i) pump(i);
}

void CompletionRun::pump(size_t index) {
  while (!done_ && exchange_->pending_bytes() + out_.size() < kOutputHighWater) {
    auto event = answers_[index]->try_next();
    if (!event) break;
    handle(index, std::move(*event));
  }
  write_out();
}

void CompletionRun::handle(size_t index, Event event) {
  if (auto* failed = std::get_if<FailedEvent>(&event)) {
    return fail(shown_error(*failed, exchange_->request().id));
  }
  const auto* finished = std::get_if<FinishedEvent>(&event);
  if (finished && finished->reason == FinishReason::kCancelled) {
    return fail(wire::to_call_error({ErrorCode::kCancelled, "the answer was cancelled"}));
  }
  if (call_.stream && !streaming_) {
    streaming_ = true;
    exchange_->set_header("Cache-Control", "no-cache");
    exchange_->set_header("X-Accel-Buffering", "no");  // or nginx would hold the events back
    exchange_->start_stream(200, std::string(dialect_.stream_type));
  }
  const bool is_end = finished != nullptr;
  writer_->add(static_cast<int>(index), std::move(event), out_);
  if (writer_->fault()) return fail(wire::CallError(*writer_->fault()));
  if (is_end && ++n_finished_ == n_choices()) complete();
}

void CompletionRun::write_out() {
  if (done_ || !streaming_ || out_.empty()) return;
  exchange_->write(std::exchange(out_, {}));
}

void CompletionRun::complete() {
  writer_->finish(out_);
  if (writer_->fault()) return fail(wire::CallError(*writer_->fault()));
  const wire::UsageTotals& usage = writer_->usage();
  std::string note = fmt::format("prompt_tokens={} completion_tokens={}", usage.prompt_tokens,
                                 usage.completion_tokens);
  if (usage.cost_nano_usd) note += fmt::format(" cost_nano_usd={}", *usage.cost_nano_usd);
  exchange_->note(note);
  const auto exchange = exchange_;
  release();
  if (streaming_) {
    exchange->write(std::exchange(out_, {}));
    exchange->end_stream();
  } else {
    exchange->send(200, "application/json", std::exchange(out_, {}));
  }
}

void CompletionRun::fail(const wire::CallError& error) {
  if (done_) return;
  const auto exchange = exchange_;
  exchange->note("error=" + error.code.value_or(error_code_name(error.kind)));
  release();
  if (!streaming_) return reply_error(*exchange, error, dialect_);
  wire::CallError named = error;
  named.request_id = exchange->request().id;
  if (!writer_->fail(named, out_)) out_ += dialect_.stream_error(named);
  exchange->write(std::exchange(out_, {}));
  exchange->end_stream();
}

// Ends the answers: dropping one cancels it.
void CompletionRun::release() {
  done_ = true;
  answers_.clear();
}

}  // namespace

std::optional<wire::CallError> find_unmet(const GenerateRequest& request, const wire::Call& call,
                                          const wire::Dialect& dialect,
                                          const GeneratorInfo& model) {
  const auto unmet = first_unmet(request, model.features);
  if (!unmet) return std::nullopt;
  std::string field = call.member_of(unmet->message, unmet->part);
  if (field.empty()) field = dialect.field_of(*unmet);
  return wire::unsupported_field(field, fmt::format("{}: {} does not support {}", field, model.name,
                                                    feature_name(unmet->feature)));
}

namespace {

std::optional<wire::CallError> read_headers(const HttpRequest& request,
                                            const wire::Dialect& dialect, wire::Call* call) {
  if (dialect.betas_header.empty()) return std::nullopt;
  for (const std::string_view value : request.all_headers(dialect.betas_header)) {
    if (auto error = wire::read_betas(dialect.betas_header, value, &call->request.betas)) {
      return error;
    }
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<Generator> read_call(const ServerContext& context, HttpExchange& exchange,
                                     const wire::Dialect& dialect, wire::Call* call) {
  const auto body = parse_json(exchange.request().body, "request body");
  if (!body.ok()) {
    reply_error(exchange, wire::to_call_error(body.error()), dialect);
  } else if (!body.value().is_object()) {
    reply_error(exchange, wire::plain_error(400, "the request's body is not a JSON object"),
                dialect);
  } else if (const auto error = dialect.parse(body.value(), call)) {
    reply_error(exchange, *error, dialect);
  } else if (const auto wrong = read_headers(exchange.request(), dialect, call)) {
    reply_error(exchange, *wrong, dialect);
  } else if (auto generator = context.find(call->model)) {
    return generator;
  } else {
    reply_error(exchange, wire::model_not_found(call->model), dialect);
  }
  return nullptr;
}

void start_completion(ReadCall read, std::shared_ptr<HttpExchange> exchange,
                      const wire::Dialect& dialect) {
  std::make_shared<CompletionRun>(std::move(exchange), std::move(read), dialect)->start();
}

void run_completion(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                    const wire::Dialect& dialect, wire::Call call) {
  auto generator = read_call(context, *exchange, dialect, &call);
  if (!generator) return;
  start_completion({context, std::move(generator), std::move(call)}, std::move(exchange), dialect);
}

}  // namespace overtake
