// CountRun: one question for a prompt's length, which a remote model may take a while to answer.
#pragma once

#include <memory>
#include <string_view>

#include "net/http_server.h"
#include "server/endpoint.h"
#include "wire/dialect.h"

namespace overtake {

// Answers {"MEMBER": n} as soon as the model has said n. `call` holds what the route says.
void run_count(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
               const wire::Dialect& dialect, std::string_view member, wire::Call call = {});

}  // namespace overtake
