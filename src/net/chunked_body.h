// ChunkedBody: takes a chunked request body apart (RFC 9112 section 7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace overtake {

// Strict where servers differ: a size is hexadecimal digits alone, every line ends in CR LF.
// Extensions and trailers are read and dropped. Boost.Beast's own reader is not used because an
// empty body whose last four bytes come in two pieces trips an assertion in it (Boost 1.81).
class ChunkedBody {
 public:
  // Of one line, and of all trailers together; of the body.
  ChunkedBody(size_t max_line_bytes, size_t max_body_bytes)
      : max_line_bytes_(max_line_bytes), max_body_bytes_(max_body_bytes) {}

  // Reads from the front of `input`, appends to `body`, returns how many bytes it has used; the
  // caller presents the rest again, with what has arrived since.
  size_t feed(std::string_view input, std::string& body);
  bool done() const { return state_ == State::kDone; }
  // 0, or the status to refuse the request with: 400 for bad framing, 413 for too much.
  int error_status() const { return error_status_; }

 private:
  enum class State { kSize, kData, kDataEnd, kTrailers, kDone, kFailed };

  // The line at the front of `input`, without its end; false if it is not whole or not a line.
  bool take_line(std::string_view input, std::string_view* line);
  void read_size(std::string_view line, size_t body_bytes);
  void fail(int status);

  size_t max_line_bytes_;
  size_t max_body_bytes_;
  State state_ = State::kSize;
  uint64_t left_ = 0;  // of the chunk
  size_t trailer_bytes_ = 0;
  int error_status_ = 0;
};

}  // namespace overtake
