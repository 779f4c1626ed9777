// The way of Gemini's calls, whose paths say what is asked of which model, to a completion, a
// count or embeddings.
#pragma once

#include <memory>
#include <string_view>

#include "server/endpoint.h"

namespace overtake {

// `prefix` of the path stands before "MODEL:METHOD".
void run_gemini(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                std::string_view prefix);

}  // namespace overtake
