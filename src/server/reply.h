// Short answers that all endpoints give alike.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "net/http_server.h"
#include "wire/dialect.h"

namespace overtake {

// Whose clients ask for such a path; OpenAI's where nobody else's.
const wire::Dialect& dialect_of(std::string_view path);
// The same, and what the request's headers say.
const wire::Dialect& dialect_of(const HttpRequest& request);

void reply_json(HttpExchange& exchange, int status, const Json& body);
// In the shape of `dialect`, or of the one that the request belongs to.
void reply_error(HttpExchange& exchange, const wire::CallError& error,
                 const wire::Dialect& dialect);
void reply_error(HttpExchange& exchange, const wire::CallError& error);
// As HttpServerOptions::error_body and error_headers.
std::string refusal_body(const HttpRefusal& refusal);
std::string refusal_headers(const HttpRefusal& refusal);

}  // namespace overtake
