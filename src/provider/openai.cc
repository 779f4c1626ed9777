// OpenAI: models named openai/MODEL.
#include "provider/remote/provider.h"
#include "wire/openai/client.h"

namespace overtake {
namespace {

Result<std::vector<Upstream>> upstreams(const Environment& environment) {
  return vendor_upstream({.name = "openai",
                          .key_variable = "OPENAI_API_KEY",
                          .url_variable = "OPENAI_BASE_URL",
                          .default_url = "https://api.openai.com/v1"},
                         environment);
}

}  // namespace

OVERTAKE_ENTRY(Provider, provider_openai) = {&openai::client_dialect, bearer_header, upstreams};

}  // namespace overtake
