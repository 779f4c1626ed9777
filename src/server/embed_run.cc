#include "server/embed_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/time.h"
#include "base/uuid.h"
#include "server/document_run.h"
#include "server/reply.h"

namespace overtake {
namespace {

class EmbedRun : public DocumentRun {
 public:
  EmbedRun(std::shared_ptr<HttpExchange> exchange, const wire::EmbedDialect& dialect,
           wire::EmbedCall call)
      : DocumentRun(std::move(exchange), *dialect.errors),
        dialect_(dialect),
        call_(std::move(call)) {
    result_.vectors.resize(call_.request.inputs.size());
  }

  void start(std::shared_ptr<Generator> generator);

 private:
  void take(Event event) override;
  void complete();

  std::shared_ptr<Generator> generator_;
  const wire::EmbedDialect& dialect_;
  wire::EmbedCall call_;
  wire::EmbedAnswer result_;
  int64_t started_us_ = now_us();
};

void EmbedRun::start(std::shared_ptr<Generator> generator) {
  generator_ = std::move(generator);
  result_.model = generator_->info().name;
  if (call_.request.inputs.empty()) return complete();
  hold();
  EmbedRequest request = std::exchange(call_.request, {});
  request.id = make_uuid_v7();
  request.trace_id = exchange_->request().id;
  request.model = generator_->info().name;
  request.workload = exchange_->request().header("x-overtake-workload").value_or("");
  begin(generator_->embed(std::move(request)));
}

void EmbedRun::take(Event event) {
  if (const auto* vector = std::get_if<EmbeddingEvent>(&event)) {
    if (vector->index >= result_.vectors.size()) return;
    result_.vectors[vector->index] = dialect_.write_vector(call_, vector->values);
    if (vector->truncated) result_.truncated.push_back(vector->index);
  }
  if (const auto* usage = std::get_if<UsageEvent>(&event)) result_.usage = *usage;
  if (!is_last(event)) return;
  if (std::ranges::none_of(result_.vectors, &std::string::empty)) return complete();
  fail(wire::to_call_error({ErrorCode::kCancelled, "the embeddings were cancelled"}));
}

void EmbedRun::complete() {
  std::ranges::sort(result_.truncated);
  result_.total_us = now_us() - started_us_;
  std::string note = fmt::format("prompt_tokens={}", result_.usage.prompt_tokens);
  if (const auto cost = result_.usage.cost_nano_usd)
    note += fmt::format(" cost_nano_usd={}", *cost);
  reply(dialect_.write_answer(result_), note);
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
