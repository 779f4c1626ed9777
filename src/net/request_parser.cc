// The only file that includes Boost.Beast: its parser reads heads, the rules on top of it (one
// framing, one Host, no folded lines) are here.
#include "net/request_parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cctype>
#include <charconv>
#include <optional>

#include "net/http_target.h"

namespace overtake {

namespace http = boost::beast::http;
using boost::beast::error_code;

namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// How often a header stands in a request, and its last value.
struct Single {
  int count = 0;
  std::string_view value;
};
Single single_header(const HttpRequest& request, std::string_view name) {
  Single single;
  for (const auto& header : request.headers) {
    if (!equal_ignoring_case(header.name, name)) continue;
    ++single.count;
    single.value = header.value;
  }
  return single;
}

// Digits only: no sign, no list, no space (RFC 9110 section 8.6).
std::optional<uint64_t> parse_length(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

RequestParser::RequestParser(const RequestLimits& limits)
    : limits_(limits), chunked_(limits.max_header_bytes, limits.max_body_bytes) {}

void RequestParser::fail(int status, std::string message) {
  if (state_ == State::kFailed) return;
  state_ = State::kFailed;
  error_status_ = status;
  error_message_ = std::move(message);
  keep_alive_ = false;
}

void RequestParser::fail_body_too_large() {
  fail(413, fmt::format("the request's body is larger than {} bytes; send less",
                        limits_.max_body_bytes));
}

HttpRequest RequestParser::take_request() {
  OVERTAKE_CHECK(state_ == State::kDone);
  state_ = State::kHead;
  scanned_ = 0;
  return std::exchange(request_, {});
}

size_t RequestParser::feed(std::string_view input) {
  size_t used = 0;
  if (state_ == State::kHead) {
    // Empty lines before a request are old clients' habit (RFC 9112 section 2.2).
    while (scanned_ == 0 && input.substr(used, 2) == "\r\n") used += 2;
    const size_t head_size = find_head_end(input.substr(used));
    if (head_size == 0) return used;
    read_head(input.substr(used, head_size));
    used += head_size;
  }
  if (state_ != State::kBody) return used;
  const std::string_view rest = input.substr(used);
  return used + (framing_ == Framing::kLength ? feed_length(rest) : feed_chunked(rest));
}

// Size of the head with its empty line; 0 while that has not come.
size_t RequestParser::find_head_end(std::string_view input) {
  while (true) {
    const size_t end = input.find('\n', scanned_);
    if (std::min(end, input.size()) >= limits_.max_header_bytes) {
      fail(431, fmt::format("the request's head is larger than {} bytes; send fewer or shorter "
                            "headers",
                            limits_.max_header_bytes));
      return 0;
    }
    if (end == input.npos) return 0;  // scanned_ stays: the line is read again with what follows
    const std::string_view line = input.substr(scanned_, end - scanned_);
    if (line.empty() || line.back() != '\r') {
      fail(400, "a line of the request's head does not end in CR LF; correct the client");
      return 0;
    }
    const std::string_view text = line.substr(0, line.size() - 1);
    if (text.find_first_of(std::string_view("\r\0", 2)) != text.npos) {
      fail(400, "a control character in the request's head; correct the client");
      return 0;
    }
    if (scanned_ > 0 && !text.empty() && (text[0] == ' ' || text[0] == '\t')) {
      fail(400, "a folded header line; send each header on one line");
      return 0;
    }
    scanned_ = end + 1;
    if (text.empty()) return scanned_;
  }
}

void RequestParser::read_head(std::string_view head) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<uint32_t>(head.size() + 1));
  parser.body_limit(limits_.max_body_bytes);
  error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::bad_version) {
    return fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here; use one of them");
  }
  if (error || !parser.is_header_done()) {
    const bool length =
        error == http::error::bad_content_length || error == http::error::bad_transfer_encoding;
    if (error == http::error::body_limit) {
      const auto target = parser.get().target();
      read_target({target.data(), target.size()});  // whose clients are told
      return fail_body_too_large();
    }
    return fail(400, length ? "contradictory Content-Length or Transfer-Encoding; send one of them"
                            : fmt::format("not an HTTP request ({}); correct the client",
                                          error ? error.message() : "incomplete head"));
  }
  const auto& message = parser.get();
  if (message.version() != 10 && message.version() != 11) {
    return fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here; use one of them");
  }
  is_http_1_1_ = message.version() == 11;
  keep_alive_ = message.keep_alive();
  request_.method = std::string(message.method_string());
  for (const auto& field : message) {
    request_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  read_target({message.target().data(), message.target().size()});
  if (state_ != State::kFailed) read_headers();
  if (state_ != State::kFailed) read_framing();
}

void RequestParser::read_target(std::string_view raw) {
  auto target = parse_http_target(raw);
  if (!target.ok()) return fail(400, target.error().message);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  // The authority of an absolute target replaces Host (RFC 9112 section 3.2.2), so that a check of
  // Host can not be passed by naming two.
  authority_ = std::move(target->authority);
}

void RequestParser::read_headers() {
  if (request_.headers.size() > limits_.max_headers) {
    return fail(431, fmt::format("more than {} headers; send fewer", limits_.max_headers));
  }
  const Single host = single_header(request_, "host");
  if (host.count > 1 || (host.count == 0 && is_http_1_1_)) {
    return fail(400, "a request needs exactly one Host header; send one");
  }
  if (host.count == 1 && !host.value.empty() && host_without_port(host.value).empty()) {
    return fail(400, "the Host header is not a host; correct it");
  }
  if (!authority_.empty()) {
    std::erase_if(request_.headers,
                  [](const auto& header) { return equal_ignoring_case(header.name, "host"); });
    request_.headers.push_back({"Host", authority_});
  }
  const Single encoding = single_header(request_, "content-encoding");
  if (encoding.count > 0 && !equal_ignoring_case(encoding.value, "identity")) {
    return fail(415, "compressed request bodies are not accepted; send it plain");
  }
  const Single expect = single_header(request_, "expect");
  expects_continue_ = expect.count == 1 && equal_ignoring_case(expect.value, "100-continue");
  if (expect.count > 0 && !expects_continue_) {
    return fail(417, "an unknown Expect header; leave it out");
  }
}

void RequestParser::read_framing() {
  const Single length = single_header(request_, "content-length");
  const Single coding = single_header(request_, "transfer-encoding");
  if (length.count + coding.count > 1) {
    return fail(400, "contradictory Content-Length or Transfer-Encoding; send one of them");
  }
  state_ = State::kDone;
  framing_ = Framing::kNone;
  if (coding.count == 1) {
    if (!is_http_1_1_ || !equal_ignoring_case(coding.value, "chunked")) {
      return fail(is_http_1_1_ ? 501 : 400, "an unknown Transfer-Encoding; use chunked");
    }
    framing_ = Framing::kChunked;
    state_ = State::kBody;
    chunked_ = ChunkedBody(limits_.max_header_bytes, limits_.max_body_bytes);
    return;
  }
  if (length.count == 0) return;
  const auto size = parse_length(length.value);
  if (!size) return fail(400, "Content-Length is not a number; correct it");
  if (*size > limits_.max_body_bytes) {
    return fail_body_too_large();
  }
  body_left_ = *size;
  framing_ = Framing::kLength;
  if (body_left_ > 0) state_ = State::kBody;
}

size_t RequestParser::feed_length(std::string_view input) {
  const size_t used = std::min<uint64_t>(input.size(), body_left_);
  request_.body.append(input.substr(0, used));
  body_left_ -= used;
  if (body_left_ == 0) state_ = State::kDone;
  return used;
}

size_t RequestParser::feed_chunked(std::string_view input) {
  const size_t used = chunked_.feed(input, request_.body);
  if (chunked_.done()) state_ = State::kDone;
  if (chunked_.error_status() == 413) fail_body_too_large();
  if (chunked_.error_status() == 400) fail(400, "a bad chunk in the body; correct the client");
  return used;
}

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> HttpRequest::all_headers(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) out.push_back(header.value);
  }
  return out;
}

}  // namespace overtake
