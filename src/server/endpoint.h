// Endpoint: one route of the server, one file in server/endpoint/.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded_file.h"
#include "base/registry.h"
#include "engine/generator.h"
#include "net/http_server.h"
#include "server/background_responses.h"
#include "server/conversation_store.h"
#include "server/prompt_worker.h"
#include "server/response_store.h"

namespace overtake {

class Upstreams;

// What endpoints may use. Lives as long as the server.
struct ServerContext {
  std::vector<std::shared_ptr<Generator>> generators;  // the first is the default model
  std::shared_ptr<Upstreams> upstreams;  // whose models have names like "openai/gpt-4o"; or null
  std::shared_ptr<ResponseStore> responses = make_memory_response_store();
  std::shared_ptr<ConversationStore> conversations = make_memory_conversation_store();
  std::shared_ptr<BackgroundResponses> background = std::make_shared<BackgroundResponses>();
  std::shared_ptr<PromptWorker> prompts = std::make_shared<PromptWorker>();
  std::span<const EmbeddedFile> pages;
  // Names by which a browser may reach this server, without port (see router.h).
  std::vector<std::string> allowed_hosts;
  std::atomic<bool> draining = false;  // no new work should come

  // By name; the first where `name` is empty; else an upstream's; null if unknown.
  std::shared_ptr<Generator> find(std::string_view name) const;
  // Only among those that are served here, as lists have them.
  std::shared_ptr<Generator> find_served(std::string_view name) const;
};

struct Endpoint {
  std::string_view method;  // "POST"; "GET" answers HEAD too
  // "/v1/chat/completions"; a last "*" stands for any rest: "/v1/models/*".
  std::string_view path;
  // Runs on the server's event loop and must not wait: it answers through `exchange`, at once or
  // later, and keeps the pointer for as long as it needs it.
  void (*handle)(const ServerContext& context, std::shared_ptr<HttpExchange> exchange);
};

std::span<const Endpoint* const> all_endpoints();

}  // namespace overtake
