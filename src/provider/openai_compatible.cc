// Servers that imitate OpenAI's API (vLLM, SGLang, llama-server, another Overtake): each pair of
// OVERTAKE_UPSTREAM_NAME_URL and OVERTAKE_UPSTREAM_NAME_API_KEY makes models named name/MODEL.
#include <algorithm>

#include "provider/remote/provider.h"
#include "wire/openai/client.h"

namespace overtake {
namespace {

constexpr std::string_view kPrefix = "OVERTAKE_UPSTREAM_";
constexpr std::string_view kUrl = "_URL";

Result<std::vector<Upstream>> upstreams(const Environment& environment) {
  std::vector<Upstream> out;
  for (const auto& [variable, value] : environment) {
    const bool is_ours = variable.starts_with(kPrefix) && variable.ends_with(kUrl);
    if (!is_ours || variable.size() <= kPrefix.size() + kUrl.size() || value.empty()) continue;
    Upstream upstream;
    upstream.name = variable.substr(kPrefix.size(), variable.size() - kPrefix.size() - kUrl.size());
    upstream.key_variable = std::string(kPrefix) + upstream.name + "_API_KEY";
    std::ranges::transform(upstream.name, upstream.name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    const auto key = environment.find(upstream.key_variable);
    if (key != environment.end()) upstream.key = key->second;
    upstream.given = true;
    TRY(set_base_url(variable, environment, &upstream));
    out.push_back(std::move(upstream));
  }
  return out;
}

}  // namespace

OVERTAKE_ENTRY(Provider, provider_openai_compatible) = {&openai::compatible_client_dialect,
                                                        bearer_header, upstreams};

}  // namespace overtake
