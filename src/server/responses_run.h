// The way of OpenAI's Responses to a completion, and from its answer into the stores.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "server/endpoint.h"
#include "wire/call_error.h"

namespace overtake {

// What a conversation may have grown to when it is sent to a model again: as much as one request.
constexpr size_t kMaxHistoryBytes = 16u << 20;

void run_responses(const ServerContext& context, std::shared_ptr<HttpExchange> exchange);
// How long the same request would be.
void count_responses(const ServerContext& context, std::shared_ptr<HttpExchange> exchange);

// Whose request it is. There are no keys yet: every client is the local user.
std::string tenant_of(const HttpExchange& exchange);
wire::CallError response_not_found(std::string param, std::string_view id);

}  // namespace overtake
