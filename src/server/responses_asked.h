// A request to POST /v1/responses as it is read, with what was said before it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/endpoint.h"
#include "wire/call.h"

namespace overtake {

struct AskedResponse {
  std::string tenant;
  std::string uuid;             // of the request, and part of all ids that come of it
  std::string previous_id;      // or empty
  std::string conversation_id;  // or empty
  std::string items;            // of its input, as they are kept: a JSON array's text
  bool is_kept = true;          // for later requests to go on from
  std::shared_ptr<Generator> generator;
  wire::Call call;
};

// nullopt where an error was the answer.
std::optional<AskedResponse> read_asked(const ServerContext& context, HttpExchange& exchange);

}  // namespace overtake
