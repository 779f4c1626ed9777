// RequestParser: the bytes of a connection become HTTP/1.1 requests, or the status that refuses
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/chunked_body.h"
#include "net/http_server.h"

namespace overtake {

struct RequestLimits {
  size_t max_header_bytes = 32u << 10;
  size_t max_headers = 100;
  size_t max_body_bytes = 16u << 20;
};

// One request at a time. Stricter than RFC 9112 asks where leniency has let requests be smuggled:
// whatever two servers could read differently is refused, and the connection must then end.
class RequestParser {
 public:
  enum class State { kHead, kBody, kDone, kFailed };

  explicit RequestParser(const RequestLimits& limits);

  // Reads from the front of `input` and returns how many bytes it has used; the caller presents
  // the rest again, with what has arrived since.
  size_t feed(std::string_view input);
  State state() const { return state_; }

  // From the end of the head on; take_request once, in kDone, which starts the next one.
  const HttpRequest& request() const { return request_; }
  bool keep_alive() const { return keep_alive_; }
  bool is_http_1_1() const { return is_http_1_1_; }
  bool expects_continue() const { return expects_continue_; }
  HttpRequest take_request();

  // In kFailed.
  int error_status() const { return error_status_; }
  const std::string& error_message() const { return error_message_; }

 private:
  enum class Framing { kNone, kLength, kChunked };

  size_t find_head_end(std::string_view input);
  void read_head(std::string_view head);
  void read_headers();
  void read_target(std::string_view raw);
  void read_framing();
  size_t feed_length(std::string_view input);
  size_t feed_chunked(std::string_view input);
  void fail(int status, std::string message);
  void fail_body_too_large();

  RequestLimits limits_;
  State state_ = State::kHead;
  HttpRequest request_;
  std::string authority_;
  size_t scanned_ = 0;  // of the head, no line end is before it
  Framing framing_ = Framing::kNone;
  uint64_t body_left_ = 0;
  ChunkedBody chunked_;
  bool keep_alive_ = false;
  bool is_http_1_1_ = false;
  bool expects_continue_ = false;
  int error_status_ = 0;
  std::string error_message_;
};

}  // namespace overtake
