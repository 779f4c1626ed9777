#include "server/embed_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "base/uuid.h"
#include "server/reply.h"

namespace overtake {
namespace {

// Vectors that are written in one turn of the loop: thousands at once would hold up everyone else.
constexpr int kVectorsPerTurn = 64;

// Lives on the event loop. The exchange's callbacks own it until its answer.
class EmbedRun : public std::enable_shared_from_this<EmbedRun> {
 public:
  EmbedRun(std::shared_ptr<HttpExchange> exchange, const wire::EmbedDialect& dialect,
           wire::EmbedCall call)
      : exchange_(std::move(exchange)), dialect_(dialect), call_(std::move(call)) {
    result_.vectors.resize(call_.request.inputs.size());
  }

  void start(std::shared_ptr<Generator> generator);

 private:
  void pump();
  void handle(Event event);
  void complete();
  void fail(const wire::CallError& error, const Error& reason);

  std::shared_ptr<HttpExchange> exchange_;
  std::shared_ptr<Generator> generator_;
  const wire::EmbedDialect& dialect_;
  wire::EmbedCall call_;
  std::optional<Answer> answer_;  // until it is given or of no more use
  wire::EmbedAnswer result_;
  int64_t started_us_ = now_us();
};

void EmbedRun::start(std::shared_ptr<Generator> generator) {
  generator_ = std::move(generator);
  result_.model = generator_->info().name;
  if (call_.request.inputs.empty()) return complete();
  EmbedRequest request = std::exchange(call_.request, {});
  request.id = make_uuid_v7();
  request.trace_id = exchange_->request().id;
  request.model = generator_->info().name;
  request.workload = exchange_->request().header("x-overtake-workload").value_or("");
  auto answer = generator_->embed(std::move(request));
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

void EmbedRun::pump() {
  for (int i = 0; answer_; ++i) {
    if (i == kVectorsPerTurn) {
      return exchange_->post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->pump();
      });
    }
    auto event = (*answer_)->try_next();
    if (!event) return;
    handle(std::move(*event));
  }
}

void EmbedRun::handle(Event event) {
  if (const auto* failed = std::get_if<FailedEvent>(&event)) {
    return fail(wire::failure_error(*failed), failed->error);
  }
  if (const auto* vector = std::get_if<EmbeddingEvent>(&event)) {
    if (vector->index >= result_.vectors.size()) return;
    result_.vectors[vector->index] = dialect_.write_vector(call_, vector->values);
    if (vector->truncated) result_.truncated.push_back(vector->index);
  }
  if (const auto* usage = std::get_if<UsageEvent>(&event)) result_.usage = *usage;
  const auto* finished = std::get_if<FinishedEvent>(&event);
  if (!finished) return;
  const bool whole = std::ranges::none_of(result_.vectors, &std::string::empty);
  if (finished->reason != FinishReason::kCancelled && whole) return complete();
  const Error reason{ErrorCode::kCancelled, "the embeddings were cancelled"};
  fail(wire::to_call_error(reason), reason);
}

void EmbedRun::complete() {
  answer_.reset();
  std::ranges::sort(result_.truncated);
  result_.total_us = now_us() - started_us_;
  std::string note = fmt::format("prompt_tokens={}", result_.usage.prompt_tokens);
  if (const auto cost = result_.usage.cost_nano_usd)
    note += fmt::format(" cost_nano_usd={}", *cost);
  exchange_->note(note);
  exchange_->send(200, "application/json", dialect_.write_answer(result_));
}

void EmbedRun::fail(const wire::CallError& error, const Error& reason) {
  answer_.reset();
  if (error.status >= 500) log(LogLevel::kError, exchange_->request().id + " " + reason.message);
  exchange_->note("error=" + error.code.value_or(error_code_name(error.kind)));
  reply_error(*exchange_, error, *dialect_.errors);
}

// What is wrong with the call; else `out` is the model that it asks for.
std::optional<wire::CallError> read(const ServerContext& context, const HttpExchange& exchange,
                                    const wire::EmbedDialect& dialect, wire::EmbedCall* call,
                                    std::shared_ptr<Generator>* out) {
  const auto body = parse_json(exchange.request().body, "request body");
  if (!body.ok()) return wire::to_call_error(body.error());
  if (!body->is_object()) {
    return wire::plain_error(400, "the request's body is not a JSON object");
  }
  if (auto error = dialect.parse(*body, call)) return error;
  *out = context.find(call->model);
  if (!*out) return wire::model_not_found(call->model);
  const GeneratorInfo& info = (*out)->info();
  if (const auto unmet = first_unmet(call->request, info.features)) {
    const std::string field = dialect.field_of(*unmet);
    return wire::unsupported_field(field, fmt::format("{}: {} does not support {}", field,
                                                      info.name, feature_name(unmet->feature)));
  }
  return std::nullopt;
}

}  // namespace

void run_embed(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
               const wire::EmbedDialect& dialect, wire::EmbedCall call) {
  std::shared_ptr<Generator> generator;
  if (const auto error = read(context, *exchange, dialect, &call, &generator)) {
    return reply_error(*exchange, *error, *dialect.errors);
  }
  std::make_shared<EmbedRun>(std::move(exchange), dialect, std::move(call))
      ->start(std::move(generator));
}

}  // namespace overtake
