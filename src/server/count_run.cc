#include "server/count_run.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/uuid.h"
#include "server/completion_run.h"
#include "server/document_run.h"
#include "server/reply.h"

namespace overtake {
namespace {

class CountRun : public DocumentRun {
 public:
  CountRun(std::shared_ptr<HttpExchange> exchange, const wire::Dialect& dialect, CountForm form)
      : DocumentRun(std::move(exchange), dialect), form_(form) {}

  void start(std::shared_ptr<Generator> generator, GenerateRequest request) {
    generator_ = std::move(generator);
    begin(generator_->count_tokens(std::move(request)));
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

  std::shared_ptr<Generator> generator_;
  const CountForm form_;
  int64_t count_ = 0;
};

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
