#include "server/router.h"

#include <fmt/core.h>

#include <algorithm>

#include "net/http_target.h"
#include "provider/remote/upstreams.h"
#include "server/reply.h"

namespace overtake {
namespace {

bool is_wildcard(std::string_view pattern) { return pattern.ends_with('*'); }

bool path_matches(std::string_view pattern, std::string_view path) {
  if (!is_wildcard(pattern)) return pattern == path;
  pattern.remove_suffix(1);
  return path.starts_with(pattern);
}

bool method_matches(std::string_view wanted, std::string_view method) {
  return wanted == method || (wanted == "GET" && method == "HEAD");
}

struct Route {
  const Endpoint* endpoint = nullptr;
  std::string allowed_methods;  // where only the method was wrong
};

Route find_route(const HttpRequest& request) {
  Route route;
  for (const Endpoint* endpoint : all_endpoints()) {
    if (!path_matches(endpoint->path, request.path)) continue;
    if (method_matches(endpoint->method, request.method)) {
      if (!route.endpoint || endpoint->path.size() > route.endpoint->path.size()) {
        route.endpoint = endpoint;
      }
    } else if (!is_wildcard(endpoint->path)) {
      if (!route.allowed_methods.empty()) route.allowed_methods += ", ";
      route.allowed_methods += endpoint->method;
    }
  }
  // A path that an endpoint names is not left to one that would take any path.
  if (route.endpoint && is_wildcard(route.endpoint->path) && !route.allowed_methods.empty()) {
    route.endpoint = nullptr;
  }
  return route;
}

bool is_allowed_host(const ServerContext& context, std::string_view authority) {
  const std::string host = host_without_port(authority);
  return std::find(context.allowed_hosts.begin(), context.allowed_hosts.end(), host) !=
         context.allowed_hosts.end();
}

// Browsers name the page's origin in every request that could change something.
bool is_allowed_origin(const ServerContext& context, std::string_view origin) {
  const size_t scheme = origin.find("://");
  return scheme != origin.npos && is_allowed_host(context, origin.substr(scheme + 3));
}

// The reason to refuse the request, or nullptr.
const char* refusal(const ServerContext& context, const HttpRequest& request) {
  if (!request.peer_is_loopback) {
    return "only clients on this machine are served while there are no keys";
  }
  const auto host = request.header("host");
  if (host && !is_allowed_host(context, *host)) {
    return "the Host header names another machine; use the address that the server printed";
  }
  const auto origin = request.header("origin");
  if (origin && !is_allowed_origin(context, *origin)) {
    return "requests from pages of other sites are refused";
  }
  return nullptr;
}

void route(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const HttpRequest& request = exchange->request();
  const std::string_view id_header = dialect_of(request).id_header;
  if (!id_header.empty()) exchange->set_header(id_header, request.id);
  if (const char* reason = refusal(context, request)) {
    return reply_error(*exchange, wire::plain_error(403, reason));
  }
  const Route route = find_route(request);
  if (route.endpoint) return route.endpoint->handle(context, std::move(exchange));
  if (!route.allowed_methods.empty()) {
    exchange->set_header("Allow", route.allowed_methods);
    return reply_error(*exchange,
                       wire::plain_error(405, fmt::format("{} takes {}, not {}", request.path,
                                                          route.allowed_methods, request.method)));
  }
  reply_error(*exchange, wire::plain_error(404, fmt::format("there is no {} {} here",
                                                            request.method, request.path)));
}

}  // namespace

HttpHandler make_router(std::shared_ptr<const ServerContext> context) {
  return [context = std::move(context)](std::shared_ptr<HttpExchange> exchange) {
    route(*context, std::move(exchange));
  };
}

std::vector<std::string> hosts_of(const std::string& host) {
  const bool bare_v6 = host.find(':') != host.npos && host.front() != '[';
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]"};
  hosts.push_back(host_without_port(bare_v6 ? "[" + host + "]" : host));
  return hosts;
}

std::shared_ptr<Generator> ServerContext::find_served(std::string_view name) const {
  for (const auto& generator : generators) {
    if (name.empty() || generator->info().name == name) return generator;
  }
  return nullptr;
}

std::shared_ptr<Generator> ServerContext::find(std::string_view name) const {
  if (auto served = find_served(name)) return served;
  return upstreams ? upstreams->find(name) : nullptr;
}

}  // namespace overtake
