#include "provider/remote/provider.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "net/http_url.h"

namespace overtake {
namespace {

std::string value_of(const Environment& environment, std::string_view name) {
  const auto at = environment.find(std::string(name));
  return at == environment.end() ? std::string() : at->second;
}

bool is_private_name(const HttpUrl& url) {
  const std::string& host = url.host;
  if (host.starts_with('[')) return !is_public_address(host.substr(1, host.size() - 2));
  if (host.find_first_not_of("0123456789.") == host.npos) return !is_public_address(host);
  if (host.find('.') == host.npos) return true;  // "localhost", a neighbour's name
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{".localhost", ".local", ".internal", ".lan",
                                              ".home.arpa"},
      [&](std::string_view end) { return host.ends_with(end); });
}

}  // namespace

Environment process_environment() {
  Environment out;
  for (char** each = environ; each && *each; ++each) {
    const std::string_view entry = *each;
    const size_t equals = entry.find('=');
    if (equals == entry.npos) continue;
    out.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

HttpHeader bearer_header(const std::string& key) { return {"Authorization", "Bearer " + key}; }

Status set_base_url(std::string_view variable, const Environment& environment, Upstream* upstream) {
  const auto url = parse_http_url(value_of(environment, variable));
  if (!url.ok()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is not a base URL: {}", variable, url.error().message)};
  }
  if (url->path.find('?') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a base URL with a query; {}; leave it out", variable)};
  }
  upstream->base_url = url->text();
  while (upstream->base_url.ends_with('/')) upstream->base_url.pop_back();
  upstream->public_only =
      !is_private_name(*url) && value_of(environment, "OVERTAKE_ALLOW_PRIVATE_UPSTREAMS") != "1";
  return {};
}

Result<std::vector<Upstream>> vendor_upstream(const VendorNames& names,
                                              const Environment& environment) {
  Upstream upstream;
  upstream.name = names.name;
  upstream.key_variable = names.key_variable;
  upstream.key = value_of(environment, names.key_variable);
  upstream.base_url = names.default_url;
  upstream.needs_key = true;
  upstream.is_vendor = true;
  upstream.given = !upstream.key.empty();
  if (!value_of(environment, names.url_variable).empty()) {
    TRY(set_base_url(names.url_variable, environment, &upstream));
    upstream.needs_key = false;
    upstream.is_vendor = false;
    upstream.given = true;
  }
  return std::vector{std::move(upstream)};
}

}  // namespace overtake
