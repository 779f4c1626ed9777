#include "server/ollama_run.h"

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "server/completion_run.h"
#include "server/reply.h"
#include "wire/ollama/answer.h"
#include "wire/ollama/dialect.h"
#include "wire/ollama/request.h"

namespace overtake {
namespace {

// A request without prompt and messages holds a name and some settings. Larger ones are not read
// twice for it.
constexpr size_t kMaxLoadBytes = 4096;

// Whether it was such a request, and is answered: models here are loaded when the server starts.
bool answer_load(const ServerContext& context, HttpExchange& exchange, bool chat) {
  if (exchange.request().body.size() > kMaxLoadBytes) return false;
  const auto body = parse_json(exchange.request().body, "request body");
  if (!body.ok() || !body->is_object() || !ollama::only_loads(*body)) return false;
  const auto model = body->find("model");
  if (model == body->end() || !model->is_string()) return false;
  const auto generator = context.find(ollama::model_name(model->get_ref<const std::string&>()));
  if (!generator) return false;
  exchange.send(200, "application/json",
                ollama::load_answer(chat, {"", now_us() / 1'000'000, generator->info().name}));
  return true;
}

}  // namespace

void run_ollama(const ServerContext& context, std::shared_ptr<HttpExchange> exchange, bool chat) {
  if (answer_load(context, *exchange, chat)) return;
  run_completion(context, std::move(exchange),
                 chat ? ollama::chat_dialect : ollama::generate_dialect);
}

}  // namespace overtake
