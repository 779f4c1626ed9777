// POST /v1/models/{model}:{method}
#include "server/gemini_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_gemini(context, std::move(exchange), "/v1/models/");
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_gemini_generate_v1) = {"POST", "/v1/models/*", handle};

}  // namespace overtake
