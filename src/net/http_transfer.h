// HttpTransfer: one request of HttpClient: libcurl's handle for it, and all that the handle's
// callbacks touch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/http_client.h"
#include "net/http_url.h"

struct curl_slist;

namespace overtake {

int64_t monotonic_ms();

// Belongs to the loop's thread. Held by the client while it is under way, and by the caller's
// HttpCall. Callbacks end the transfer where `ended` or `failure` is set.
struct HttpTransfer {
  HttpClientRequest request;
  HttpClientEvents events;
  HttpUrl url;
  void* easy = nullptr;  // CURL; null for a request that can not be sent
  HttpResponseHead head;
  bool head_done = false;
  bool added = false;  // to libcurl's multi handle
  bool ended = false;  // cancelled, or done was called
  bool paused = false;
  std::optional<Error> failure;  // ours, which goes before libcurl's
  int64_t active_ms = 0;         // last sign of life

  // Ready to be added, or with its failure where it can not be sent.
  static std::shared_ptr<HttpTransfer> make(HttpClientRequest request, HttpClientEvents events);
  HttpTransfer() = default;
  HttpTransfer(const HttpTransfer&) = delete;
  ~HttpTransfer();

  void fail(ErrorCode code, std::string message);
  // How it ended, by libcurl's word (a CURLcode).
  Status outcome(int code) const;

  // ---- for its own callbacks
  curl_slist* headers = nullptr;
  char error_text[256] = {};
  bool check_address = false;
  size_t header_bytes = 0;
  size_t sent = 0;  // of the body
};

}  // namespace overtake
