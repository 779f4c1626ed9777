#include "server/reply.h"

#include <nlohmann/json.hpp>

#include "wire/ollama/dialect.h"
#include "wire/openai/dialect.h"

namespace overtake {
namespace {

const wire::Dialect& dialect_of(std::string_view path) {
  return path.starts_with("/api/") ? ollama::chat_dialect : openai::chat_dialect;
}

}  // namespace

void reply_json(HttpExchange& exchange, int status, const Json& body) {
  exchange.send(status, "application/json", dump_json(body));
}

void reply_error(HttpExchange& exchange, const wire::CallError& error,
                 const wire::Dialect& dialect) {
  if (error.retry_after_ms) {
    exchange.set_header("Retry-After", std::to_string((*error.retry_after_ms + 999) / 1000));
  }
  exchange.send(error.status, "application/json", dialect.error_body(error));
}

void reply_error(HttpExchange& exchange, const wire::CallError& error) {
  reply_error(exchange, error, dialect_of(exchange.request().path));
}

}  // namespace overtake
