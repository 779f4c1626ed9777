// CompletionRun: one completion call from its request's bytes to its answer's last one.
#pragma once

#include <memory>
#include <optional>

#include "net/http_server.h"
#include "server/endpoint.h"
#include "wire/dialect.h"

namespace overtake {

// Reads the request into `call`, which holds what the route says. The model that it asks for; null
// where an error was the answer.
std::shared_ptr<Generator> read_call(const ServerContext& context, HttpExchange& exchange,
                                     const wire::Dialect& dialect, wire::Call* call);
// What the request, one choice of `call`, asks for and `model` can not do.
std::optional<wire::CallError> find_unmet(const GenerateRequest& request, const wire::Call& call,
                                          const wire::Dialect& dialect, const GeneratorInfo& model);
// Starts the answers that the request asks for and sends them as they come. A client that leaves
// cancels them at once; one that reads slowly leaves events in their queues, and no model waits.
// `call` holds what the route says.
void run_completion(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                    const wire::Dialect& dialect, wire::Call call = {});
// A call that is read already, and the model that it asks for.
struct ReadCall {
  const ServerContext& context;
  std::shared_ptr<Generator> generator;
  wire::Call call;
};
void start_completion(ReadCall read, std::shared_ptr<HttpExchange> exchange,
                      const wire::Dialect& dialect);

}  // namespace overtake
