// Short answers that all endpoints give alike.
#pragma once

#include "base/json.h"
#include "net/http_server.h"
#include "wire/openai/error.h"

namespace overtake {

void reply_json(HttpExchange& exchange, int status, const Json& body);
void reply_error(HttpExchange& exchange, const openai::ApiError& error);

}  // namespace overtake
