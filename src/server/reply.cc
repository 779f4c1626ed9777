#include "server/reply.h"

#include <nlohmann/json.hpp>

namespace overtake {

void reply_json(HttpExchange& exchange, int status, const Json& body) {
  exchange.send(status, "application/json", dump_json(body));
}

void reply_error(HttpExchange& exchange, const openai::ApiError& error) {
  if (error.retry_later) exchange.set_header("Retry-After", "1");
  exchange.send(error.status, "application/json", openai::error_json(error));
}

}  // namespace overtake
