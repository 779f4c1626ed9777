// CompletionRun: one completion call from its request's bytes to its answer's last one.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "net/http_server.h"
#include "server/endpoint.h"
#include "wire/openai/answer.h"

namespace overtake {

// What differs between chat completions and completions.
struct CompletionDialect {
  std::string_view id_prefix;  // "chatcmpl-"
  std::optional<openai::ApiError> (*parse)(const Json& body, openai::CompletionCall* call);
  std::unique_ptr<openai::AnswerWriter> (*make_writer)(const openai::CompletionCall& call,
                                                       openai::AnswerIdentity identity);
};

// Starts the answers that the request asks for and sends them as they come. A client that leaves
// cancels them at once; one that reads slowly leaves events in their queues, and no model waits.
void run_completion(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                    const CompletionDialect& dialect);

}  // namespace overtake
