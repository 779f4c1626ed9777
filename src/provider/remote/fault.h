// What goes wrong with an upstream: when to try again, and words that are safe to show.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/event.h"
#include "net/http_client.h"
#include "provider/remote/provider.h"

namespace overtake {

// retry-after-ms, or Retry-After in seconds or as a date (RFC 9110 section 10.2.3); at most a day.
std::optional<int64_t> retry_after_ms(const HttpResponseHead& head, int64_t now_us);

// Completes an answer that was no success: who said it, when to come back, and no word of the key.
FailedEvent describe_refusal(const Upstream& upstream, const HttpResponseHead& head,
                             FailedEvent failed);
// A call that brought no answer, or one that broke.
FailedEvent describe_breakage(const Upstream& upstream, const Error& error);
// `message` without the upstream's key.
std::string without_key(const Upstream& upstream, std::string message);

// Retries that one upstream may still cost: each request earns a tenth of one, so that an upstream
// in trouble sees at most a tenth more requests than there are. One thread.
class RetryBudget {
 public:
  void earn();
  bool spend();

 private:
  static constexpr double kMost = 10;
  double left_ = kMost;
};

}  // namespace overtake
