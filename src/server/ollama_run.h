// The way of Ollama's chat and generate to a completion, past requests that only load a model.
#pragma once

#include <memory>

#include "server/endpoint.h"

namespace overtake {

// `chat`: of /api/chat, else of /api/generate.
void run_ollama(const ServerContext& context, std::shared_ptr<HttpExchange> exchange, bool chat);

}  // namespace overtake
