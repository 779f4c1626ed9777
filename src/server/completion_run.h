// CompletionRun: one completion call from its request's bytes to its answer's last one.
#pragma once

#include <memory>

#include "net/http_server.h"
#include "server/endpoint.h"
#include "wire/dialect.h"

namespace overtake {

// Starts the answers that the request asks for and sends them as they come. A client that leaves
// cancels them at once; one that reads slowly leaves events in their queues, and no model waits.
// `call` holds what the route says.
void run_completion(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                    const wire::Dialect& dialect, wire::Call call = {});

}  // namespace overtake
