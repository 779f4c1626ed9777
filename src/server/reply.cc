#include "server/reply.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "wire/anthropic/dialect.h"
#include "wire/gemini/dialect.h"
#include "wire/ollama/dialect.h"
#include "wire/openai/dialect.h"

namespace overtake {
namespace {

// The paths below `path`, and itself.
struct DialectPath {
  std::string_view path;
  const wire::Dialect* dialect;
};
constexpr DialectPath kDialectPaths[] = {
    {"/v1/messages", &anthropic::messages_dialect},
    {"/api", &ollama::chat_dialect},
    {"/v1beta", &gemini::event_dialect},
};

}  // namespace

const wire::Dialect& dialect_of(std::string_view path) {
  for (const DialectPath& each : kDialectPaths) {
    if (!path.starts_with(each.path)) continue;
    const std::string_view rest = path.substr(each.path.size());
    if (rest.empty() || rest.front() == '/') return *each.dialect;
  }
  return openai::chat_dialect;
}

const wire::Dialect& dialect_of(const HttpRequest& request) {
  // Every request of Anthropic's clients has it; /v1/models is OpenAI's as well.
  if (request.header("anthropic-version")) return anthropic::messages_dialect;
  // Gemini's clients send it; some ask for models at /v1.
  if (request.header("x-goog-api-key")) return gemini::event_dialect;
  return dialect_of(request.path);
}

void reply_json(HttpExchange& exchange, int status, const Json& body) {
  exchange.send(status, "application/json", dump_json(body));
}

void reply_error(HttpExchange& exchange, const wire::CallError& error,
                 const wire::Dialect& dialect) {
  if (error.retry_after_ms) {
    exchange.set_header("Retry-After", std::to_string((*error.retry_after_ms + 999) / 1000));
  }
  wire::CallError named = error;
  named.request_id = exchange.request().id;
  const int status = dialect.status_of ? dialect.status_of(error) : error.status;
  exchange.send(status, "application/json", dialect.error_body(named));
}

void reply_error(HttpExchange& exchange, const wire::CallError& error) {
  reply_error(exchange, error, dialect_of(exchange.request()));
}

std::string refusal_body(const HttpRefusal& refusal) {
  wire::CallError error = wire::plain_error(refusal.status, std::string(refusal.message));
  error.request_id = refusal.id;
  return dialect_of(refusal.path).error_body(error);
}

std::string refusal_headers(const HttpRefusal& refusal) {
  const std::string_view header = dialect_of(refusal.path).id_header;
  if (header.empty()) return {};
  return fmt::format("{}: {}\r\n", header, refusal.id);
}

}  // namespace overtake
