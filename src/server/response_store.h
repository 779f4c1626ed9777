// ResponseStore: what POST /v1/responses answered, so that a later request can go on from there.
// There is no database yet: the one store lives in memory and ends with the process.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

// All of it JSON texts; the store looks into none of them.
struct StoredResponse {
  std::string id;
  std::string previous_id;      // that it went on from; or empty
  std::string conversation_id;  // that it belongs to; or empty
  std::string body;             // the answer, as the client got it
  std::string input;            // an array: the request's items
  std::string output;           // an array: the answer's items
  bool is_background = false;   // made without its client waiting
};

// Thread-safe. No tenant sees or reaches another's.
class ResponseStore {
 public:
  virtual ~ResponseStore() = default;
  // Whether it is kept: not where what it went on from is gone.
  virtual bool put(std::string_view tenant, StoredResponse response) = 0;
  virtual std::optional<StoredResponse> find(std::string_view tenant,
                                             std::string_view id) const = 0;
  // The inputs and outputs up to and with this response, oldest first, whether or not the earlier
  // responses are still there themselves. nullopt: there is no such response. Where they have more
  // than `max_bytes` together, only as many of the last as are just more than that.
  virtual std::optional<std::vector<std::string>> history(std::string_view tenant,
                                                          std::string_view id,
                                                          size_t max_bytes) const = 0;
  // Whether it was there.
  virtual bool erase(std::string_view tenant, std::string_view id) = 0;
};

struct ResponseStoreLimits {
  size_t max_responses = 10'000;
  size_t max_bytes = 256u << 20;  // of all texts together
};
// Where a limit is reached the oldest responses go.
std::shared_ptr<ResponseStore> make_memory_response_store(ResponseStoreLimits limits = {});

}  // namespace overtake
