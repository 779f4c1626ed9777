// HTTP client on the event loop: many requests at once on one thread, bodies as they come, every
// wait bounded. What fetches models and what speaks to other vendors' models stand on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/event_loop.h"

namespace overtake {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string url;  // http: or https:, nothing else
  std::vector<HttpHeader> headers;
  std::string body;
  int connect_timeout_ms = 10'000;     // name, TCP and TLS
  int first_byte_timeout_ms = 60'000;  // from the last byte sent to the head of the answer
  int silence_timeout_ms = 60'000;     // between two pieces of the body
  size_t max_header_bytes = 64u << 10;
  // Refuses to connect to this machine, private networks and the like (see is_public_address);
  // where a proxy is set by environment, only addresses written as numbers can be judged.
  bool public_addresses_only = false;
};

struct HttpResponseHead {
  int status = 0;
  std::vector<HttpHeader> headers;
  // Of the address that the connection is with; through a proxy, as far as the host's name tells.
  bool peer_is_public = false;
  // The first header of this name, whatever its case; nullopt if absent.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Called on the loop's thread: `head` once, `body` any number of times, `done` once and last, with
// an error where the answer did not come whole:
//   kInvalidArgument   a request that can not be sent
//   kUnavailable       no connection, or one that broke: trying again may help
//   kDeadline          a timeout of the request: likewise
//   kDamaged           an answer that is not HTTP, or whose head is too long
//   kPermissionDenied  a certificate that is not trusted, or an address that is not allowed
// A status of 400 or more and a redirect are answers, not errors: redirects are never followed.
struct HttpClientEvents {
  std::function<void(const HttpResponseHead&)> head;
  std::function<void(std::string_view)> body;
  std::function<void(Status)> done;
};

// A request under way. Destroying it cancels: nothing is called any more. Loop thread only.
class HttpCall {
 public:
  virtual ~HttpCall() = default;
  // Stops reading the body, so that the peer has to wait, until resume(). The silence timeout
  // rests meanwhile.
  virtual void pause() = 0;
  virtual void resume() = 0;
};

struct HttpClientOptions {
  int max_idle_connections = 64;
  int max_connections_per_host = 64;
  // HttpClientRequest::public_addresses_only for all requests. They may share kept connections,
  // which that rule for a single request does not allow: nothing checked those.
  bool public_addresses_only = false;
};

// On libcurl's multi interface. Loop thread only (or before the loop runs). Certificates are
// verified against SSL_CERT_FILE and SSL_CERT_DIR or the system's; proxies come from the usual
// variables (HTTPS_PROXY, NO_PROXY); connections are kept and shared, HTTP/2 where the peer has it.
// Sets the process to ignore SIGPIPE.
class HttpClient {
 public:
  explicit HttpClient(EventLoop& loop, HttpClientOptions options = {});
  ~HttpClient();  // cancels what is under way; not from within head or body
  HttpClient(const HttpClient&) = delete;

  // Never calls back before it has returned.
  std::unique_ptr<HttpCall> start(HttpClientRequest request, HttpClientEvents events);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace overtake
