// BackgroundRun: one response that goes on whether or not its client waits, and those who follow
// its events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/generator.h"
#include "net/http_server.h"
#include "server/background_responses.h"
#include "server/endpoint.h"
#include "wire/call.h"

namespace overtake {

struct BackgroundStart {
  std::string tenant;
  std::string input;  // its items, as they are kept
  std::shared_ptr<Generator> generator;
  wire::Call call;
  // Takes the answer once it is whole; whether it is kept there.
  std::function<bool(wire::KeptAnswer answer)> keep;
};

// Starts it and answers with the response as it is now, or with its events where the call streams.
// It is not begun where the client leaves before that.
void start_background(const ServerContext& context, std::shared_ptr<HttpExchange> exchange,
                      BackgroundStart start);

// Answers with the events after number `after`, those to come too. A client that reads slowly
// leaves them where they are kept.
void follow_background(std::shared_ptr<HttpExchange> exchange,
                       std::shared_ptr<BackgroundResponse> response, int64_t after);

}  // namespace overtake
