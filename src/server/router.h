// The way of every request to its endpoint, past the checks that no endpoint may forget.
#pragma once

#include <memory>
#include <string>

#include "net/http_server.h"
#include "server/endpoint.h"

namespace overtake {

// Refuses before any endpoint sees it: clients that are not on this machine (there are no keys
// yet), a Host or Origin that is not ours (a page elsewhere whose name was made to point here).
// The longest matching path wins; unknown paths are 404, known ones with another method 405.
HttpHandler make_router(std::shared_ptr<const ServerContext> context);

// The names for ServerContext::allowed_hosts of a server that listens on `host`.
std::vector<std::string> hosts_of(const std::string& host);

}  // namespace overtake
