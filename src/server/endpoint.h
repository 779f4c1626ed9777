// Endpoint: one route of the server, one file in server/endpoint/.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/registry.h"
#include "engine/generator.h"
#include "net/http_server.h"

namespace overtake {

// What endpoints may use. Lives as long as the server.
struct ServerContext {
  std::vector<std::shared_ptr<Generator>> generators;  // the first is the default model

  // By name; the first where `name` is empty; null if unknown.
  std::shared_ptr<Generator> find(std::string_view name) const;
};

struct Endpoint {
  std::string_view method;  // "POST"
  std::string_view path;    // "/v1/chat/completions"
  // Runs on the server's event loop and must not wait: it answers through `exchange`, at once or
  // later, and keeps the pointer for as long as it needs it.
  void (*handle)(const ServerContext& context, std::shared_ptr<HttpExchange> exchange);
};

std::span<const Endpoint* const> all_endpoints();

}  // namespace overtake
