// Ollama: models named ollama/MODEL, of the server on this machine or the one that OLLAMA_HOST
// names, in the ways that Ollama's own clients understand it.
#include "provider/remote/provider.h"
#include "wire/ollama/client.h"

namespace overtake {
namespace {

constexpr const char* kHost = "OLLAMA_HOST";
constexpr const char* kKey = "OLLAMA_API_KEY";

std::string value_of(const Environment& environment, const char* name) {
  const auto at = environment.find(name);
  return at == environment.end() ? std::string() : at->second;
}

// "host", ":port", "host:port/path" or a URL. Without a scheme the port is Ollama's. The addresses
// that a server listens at when it listens at all are its machine's own for a client.
std::string url_of(std::string host) {
  if (host.find("://") != host.npos) return host;
  std::string path;
  if (const size_t slash = host.find('/'); slash != host.npos) {
    path = host.substr(slash);
    host.resize(slash);
  }
  std::string port = ":11434";
  const size_t colon = host.rfind(':');
  const bool is_bare_v6 = colon != host.npos && host.find(':') != colon && host.front() != '[';
  if (is_bare_v6) {
    host = "[" + host + "]";
  } else if (colon != host.npos && host.find(']', colon) == host.npos) {
    if (colon + 1 < host.size()) port = host.substr(colon);
    host.resize(colon);
  }
  if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return "http://" + host + port + path;
}

Result<std::vector<Upstream>> upstreams(const Environment& environment) {
  Upstream upstream;
  upstream.name = "ollama";
  upstream.key_variable = kKey;
  upstream.key = value_of(environment, kKey);
  upstream.base_url = "http://127.0.0.1:11434";
  upstream.public_only = false;
  const std::string host = value_of(environment, kHost);
  if (!host.empty()) {
    Environment with_url = environment;
    with_url[kHost] = url_of(host);
    TRY(set_base_url(kHost, with_url, &upstream));
    upstream.given = true;
  }
  return std::vector{std::move(upstream)};
}

}  // namespace

OVERTAKE_ENTRY(Provider, provider_ollama) = {&ollama::client_dialect, bearer_header, upstreams};

}  // namespace overtake
