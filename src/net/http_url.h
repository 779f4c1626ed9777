// URLs as a client sees them: taken apart, joined, and judged by where they lead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

struct sockaddr;

namespace overtake {

struct HttpUrl {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address stands in brackets
  uint16_t port = 0;
  std::string path;  // with the query, begins with "/"

  // Scheme, host and port: what a secret may be bound to.
  std::string origin() const;
  bool is_loopback() const;  // localhost, 127.0.0.0/8, [::1], as written
  std::string text() const { return origin() + path; }
};

// kInvalidArgument for anything but http: and https:, for a user or password in it, and for bytes
// that a URL may not hold.
Result<HttpUrl> parse_http_url(std::string_view text);

// Where `location` leads from `base` (RFC 3986 section 5).
Result<HttpUrl> resolve_http_url(const HttpUrl& base, std::string_view location);

// `text` as one path segment, or several where `keep_slashes`: all but letters, digits and "-._~"
// as %XX.
std::string percent_encoded(std::string_view text, bool keep_slashes = false);

// Whether packets to this address leave the private world: not loopback, private, link-local,
// shared, multicast or unspecified, also within IPv6 (mapped, NAT64, 6to4).
bool is_public_address(const sockaddr* address);
// The same for an address in digits ("10.0.0.1", "::1"); false for what is none.
bool is_public_address(const std::string& text);

}  // namespace overtake
