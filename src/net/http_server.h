// HTTP/1.1 server on one event loop: requests become exchanges, which a handler answers at once or
// later, whole or as a stream of server-sent events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

struct HttpRequest {
  std::string id;  // UUIDv7, which the answer carries as x-request-id
  std::string method;
  std::string path;   // decoded once and normalized: no "..", "//" or "%" is left in it
  std::string query;  // raw
  std::string body;
  std::string peer;  // address of the client
  bool peer_is_loopback = false;

  // The first header of this name, whatever its case; nullopt if absent.
  std::optional<std::string_view> header(std::string_view name) const;
  // All of this name, in their order.
  std::vector<std::string_view> all_headers(std::string_view name) const;

  struct Header {
    std::string name;
    std::string value;
  };
  std::vector<Header> headers;
};

// One request and the way to answer it. All functions may be called from any thread; after the
// client has gone, sending does nothing.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;

  // Adds a header to the answer; before anything is sent.
  virtual void set_header(std::string_view name, std::string_view value) = 0;
  // The whole answer.
  virtual void send(int status, std::string_view content_type, std::string body) = 0;
  // A streamed answer: its head, any number of pieces, its end. `text/event-stream` pieces are
  // written as they come.
  virtual void start_stream(int status, std::string_view content_type) = 0;
  virtual void write(std::string piece) = 0;
  virtual void end_stream() = 0;
  // Bytes written but not yet taken by the client: a producer may hold back above a limit, and go
  // on when `drained` is called, on the event loop, each time all bytes have been taken.
  virtual size_t pending_bytes() const = 0;
  virtual void on_drained(std::function<void()> drained) = 0;
  // `gone` is called once, on the event loop, if the client leaves before the answer's end.
  virtual void on_gone(std::function<void()> gone) = 0;
  // `stopping` is called once, on the event loop, when the server has waited long enough for this
  // answer (see stop): what is sent within the next second still reaches the client.
  virtual void on_stopping(std::function<void()> stopping) = 0;
  // Words for this request's AccessRecord ("prompt_tokens=12").
  virtual void note(std::string words) = 0;
  // Runs `task` on the event loop.
  virtual void post(std::function<void()> task) = 0;
  // post() for work that goes on when the exchange, and even the server, is gone.
  virtual std::function<void(std::function<void()> task)> poster() const = 0;
};

// A request that no handler sees: a bad head, a body too large.
struct HttpRefusal {
  int status = 0;
  std::string_view message;
  std::string_view path;  // empty where the head was not understood
  std::string_view id;
};

using HttpHandler = std::function<void(std::shared_ptr<HttpExchange>)>;

// What a log may tell of an answered request: nothing of its content.
struct AccessRecord {
  std::string id;
  std::string method;
  std::string path;
  std::string note;
  int status = 0;  // 499: the client left before the answer began
  bool complete = false;
  int64_t duration_us = 0;
  uint64_t bytes = 0;  // of the answer
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an IPv4 or IPv6 address, or "localhost"
  uint16_t port = 8080;            // 0: any free one
  size_t max_body_bytes = 16u << 20;
  size_t max_buffered_bytes = 512u << 20;  // of the bodies of all requests that are under way
  size_t max_header_bytes = 32u << 10;
  size_t max_connections = 10'000;
  int header_timeout_ms = 10'000;  // to send the whole head
  int body_timeout_ms = 30'000;    // without any byte of the body
  int min_body_bytes_per_s = 500;  // on average, after the first body_timeout_ms
  int idle_timeout_ms = 75'000;    // between requests
  int write_timeout_ms = 30'000;   // without the client taking any byte
  // The JSON body of refusals; default: a line of text.
  std::function<std::string(const HttpRefusal& refusal)> error_body;
  // More header lines for refusals, each with its CRLF; default: none.
  std::function<std::string(const HttpRefusal& refusal)> error_headers;
  // Called on the event loop when an answer has ended or its client has left.
  std::function<void(const AccessRecord&)> on_done;
};

class HttpServer {
 public:
  // Binds and listens; run() serves until stop(). kUnavailable if the port is taken.
  static Result<std::unique_ptr<HttpServer>> listen(const HttpServerOptions& options,
                                                    HttpHandler handler);
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  // Serves on the calling thread until stop().
  virtual void run() = 0;
  // Stops accepting, lets running answers finish for at most `drain_ms`, then closes. Any thread.
  virtual void stop(int drain_ms) = 0;
};

}  // namespace overtake
