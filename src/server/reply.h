// Short answers that all endpoints give alike.
#pragma once

#include "base/json.h"
#include "net/http_server.h"
#include "wire/dialect.h"

namespace overtake {

void reply_json(HttpExchange& exchange, int status, const Json& body);
// In the shape of `dialect`, or of the one that the request's path belongs to.
void reply_error(HttpExchange& exchange, const wire::CallError& error,
                 const wire::Dialect& dialect);
void reply_error(HttpExchange& exchange, const wire::CallError& error);

}  // namespace overtake
