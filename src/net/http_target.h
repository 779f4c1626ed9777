// The target of a request line, decoded once: what routing and access checks may compare.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

struct HttpTarget {
  std::string path;       // "/v1/models": no "..", ".", "//", "%", "\" or control character in it
  std::string query;      // raw, without "?"
  std::string authority;  // of an absolute target ("http://host:port/path"), else empty
};

// kInvalidArgument for what has two readings: "..", an encoded NUL, "%" or "\", a fragment, bytes
// that a target may not hold (RFC 9112 section 3.2).
Result<HttpTarget> parse_http_target(std::string_view raw);

// "example.org" of "Example.org:8080", "[::1]" of "[::1]:80"; empty if it is no host.
std::string host_without_port(std::string_view authority);

}  // namespace overtake
