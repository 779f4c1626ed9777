// The bytes around an answer: status line, headers, chunk framing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace overtake {

std::string_view http_reason(int status);  // "Not Found"

// `value` without the control characters that would end a header.
std::string header_value(std::string_view value);

struct ResponseHead {
  int status = 200;
  std::string_view content_type;
  std::string_view request_id;
  std::string_view extra;                  // whole header lines
  std::optional<uint64_t> content_length;  // absent: chunked, or up to the connection's end
  bool chunked = false;
  bool close = false;
  bool http_1_0_keep_alive = false;
};
void append_head(const ResponseHead& head, std::string& out);

// `data` (not empty) as one chunk (RFC 9112 section 7.1).
void append_chunk(std::string_view data, std::string& out);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace overtake
