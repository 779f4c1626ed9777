// POST /v1beta/models/{model}:{method}
#include "server/gemini_run.h"

namespace overtake {
namespace {

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  run_gemini(context, std::move(exchange), "/v1beta/models/");
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_gemini_generate) = {"POST", "/v1beta/models/*", handle};

}  // namespace overtake
