// Anthropic: models named anthropic/MODEL.
#include "provider/remote/provider.h"
#include "wire/anthropic/client.h"

namespace overtake {
namespace {

Result<std::vector<Upstream>> upstreams(const Environment& environment) {
  return vendor_upstream({.name = "anthropic",
                          .key_variable = "ANTHROPIC_API_KEY",
                          .url_variable = "ANTHROPIC_BASE_URL",
                          .default_url = "https://api.anthropic.com"},
                         environment);
}

HttpHeader key_header(const std::string& key) { return {"x-api-key", key}; }

}  // namespace

OVERTAKE_ENTRY(Provider, provider_anthropic) = {&anthropic::client_dialect, key_header, upstreams};

}  // namespace overtake
