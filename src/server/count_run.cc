#include "server/count_run.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/uuid.h"
#include "server/document_run.h"
#include "server/reply.h"

namespace overtake {
namespace {

class CountRun : public DocumentRun {
 public:
  CountRun(std::shared_ptr<HttpExchange> exchange, const wire::Dialect& dialect, CountForm form)
      : DocumentRun(std::move(exchange), dialect), form_(form) {}

  void start(PromptWorker& worker, const std::shared_ptr<Generator>& generator,
             GenerateRequest request) {
    hold();
    const auto asked = std::make_shared<GenerateRequest>(std::move(request));
    ask(worker, {.bytes = exchange_->request().body.size(),
                 .ask = [generator, asked] { return generator->count_tokens(std::move(*asked)); },
                 .take = [this](Result<Answer> answer) { begin(std::move(answer)); }});
  }

 private:
  void take(Event event) override {
    if (const auto* usage = std::get_if<UsageEvent>(&event)) count_ = usage->prompt_tokens;
    if (!is_last(event)) return;
    Json body;
    if (!form_.object.empty()) body["object"] = form_.object;
    body[std::string(form_.member)] = count_;
    reply(dump_json(body), {});
  }

  const CountForm form_;
  int64_t count_ = 0;
};

}  // namespace

void run_count(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
               const wire::Dialect& dialect, CountForm form, wire::Call call) {
  auto generator = read_call(context, *exchange, dialect, &call);
  if (!generator) return;
  start_count({context, std::move(generator), std::move(call)}, std::move(exchange), dialect, form);
}

void start_count(ReadCall read, std::shared_ptr<HttpExchange> exchange,
                 const wire::Dialect& dialect, CountForm form) {
  GenerateRequest request = read.call.choice_request(0);
  if (const auto unmet = find_unmet(request, read.call, dialect, read.generator->info())) {
    return reply_error(*exchange, *unmet, dialect);
  }
  request.id = make_uuid_v7();
  request.trace_id = exchange->request().id;
  std::make_shared<CountRun>(std::move(exchange), dialect, form)
      ->start(*read.context.prompts, read.generator, std::move(request));
}

}  // namespace overtake
