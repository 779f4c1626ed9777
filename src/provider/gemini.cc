// Google's Gemini: models named google/MODEL.
#include "provider/remote/provider.h"
#include "wire/gemini/client.h"

namespace overtake {
namespace {

HttpHeader key_header(const std::string& key) { return {"x-goog-api-key", key}; }

// Of the two names for the key that Google's packages know, the general one goes first, as there.
Result<std::vector<Upstream>> upstreams(const Environment& environment) {
  const auto general = environment.find("GOOGLE_API_KEY");
  const bool has_general = general != environment.end() && !general->second.empty();
  return vendor_upstream({.name = "google",
                          .key_variable = has_general ? "GOOGLE_API_KEY" : "GEMINI_API_KEY",
                          .url_variable = "GOOGLE_GEMINI_BASE_URL",
                          .default_url = "https://generativelanguage.googleapis.com"},
                         environment);
}

}  // namespace

OVERTAKE_ENTRY(Provider, provider_gemini) = {&gemini::client_dialect, key_header, upstreams};

}  // namespace overtake
