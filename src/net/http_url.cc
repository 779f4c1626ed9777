#include "net/http_url.h"

#include <arpa/inet.h>
#include <curl/urlapi.h>
#include <fmt/core.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace overtake {
namespace {

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || !text) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

Error bad_url(std::string_view text, std::string_view why) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}; {}; give a plain https: URL", why, escaped(text))};
}

Result<HttpUrl> read_parts(CURLU* url, std::string_view text) {
  HttpUrl out;
  out.scheme = part_of(url, CURLUPART_SCHEME);
  if (out.scheme != "http" && out.scheme != "https") {
    return bad_url(text, "not an http: or https: URL");
  }
  if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty()) {
    return bad_url("(not shown)", "a URL with a user or password in it");
  }
  out.host = part_of(url, CURLUPART_HOST);
  std::ranges::transform(out.host, out.host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  while (out.host.size() > 1 && out.host.back() == '.') out.host.pop_back();
  const std::string port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  out.path = part_of(url, CURLUPART_PATH);
  const std::string query = part_of(url, CURLUPART_QUERY);
  if (!query.empty()) out.path += "?" + query;
  if (out.host.empty() || out.port == 0) return bad_url(text, "a URL without host or port");
  return out;
}

bool has_bad_byte(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c >= 127; });
}

Result<HttpUrl> parse(CURLU* url, std::string_view text) {
  if (has_bad_byte(text)) return bad_url(text, "a URL with a blank, control or non-ASCII byte");
  if (text.find('\\') != text.npos) return bad_url(text, "a URL with a backslash");
  const CURLUcode code = curl_url_set(url, CURLUPART_URL, std::string(text).c_str(), 0);
  if (code != CURLUE_OK) {
    return bad_url(text, fmt::format("not a URL ({})", curl_url_strerror(code)));
  }
  return read_parts(url, text);
}

struct Range4 {
  uint32_t network;
  int bits;
};
// RFC 6890 and its registry: what is not globally reachable.
constexpr std::array kPrivate4 = {
    Range4{0x00000000, 8},  Range4{0x0A000000, 8},  Range4{0x64400000, 10}, Range4{0x7F000000, 8},
    Range4{0xA9FE0000, 16}, Range4{0xAC100000, 12}, Range4{0xC0000000, 24}, Range4{0xC0000200, 24},
    Range4{0xC0A80000, 16}, Range4{0xC6120000, 15}, Range4{0xC6336400, 24}, Range4{0xCB007100, 24},
    Range4{0xE0000000, 3}};

bool is_public4(uint32_t address) {
  return std::ranges::none_of(kPrivate4, [&](const Range4& range) {
    return (address ^ range.network) >> (32 - range.bits) == 0;
  });
}

bool is_public6(const uint8_t* a) {
  const auto embedded = [&](int at) {
    return uint32_t{a[at]} << 24 | uint32_t{a[at + 1]} << 16 | uint32_t{a[at + 2]} << 8 | a[at + 3];
  };
  static constexpr uint8_t zeros[12] = {};
  static constexpr uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  static constexpr uint8_t nat64[12] = {0, 0x64, 0xFF, 0x9B};
  if (std::memcmp(a, mapped, 12) == 0 || std::memcmp(a, nat64, 12) == 0) {
    return is_public4(embedded(12));
  }
  if (std::memcmp(a, zeros, 12) == 0) return false;  // unspecified, loopback, compatible
  if (a[0] == 0x20 && a[1] == 0x02) return is_public4(embedded(2));  // 6to4
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 2) return false;        // Teredo and its neighbours
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8) return false;
  return (a[0] & 0xE0) == 0x20;  // 2000::/3: all that is given out as global unicast
}

}  // namespace

std::string HttpUrl::origin() const { return fmt::format("{}://{}:{}", scheme, host, port); }

bool HttpUrl::is_loopback() const {
  in_addr address;
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  return host == "localhost" || host == "[::1]";
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  const CurlUrl url(curl_url(), curl_url_cleanup);
  return parse(url.get(), text);
}

Result<HttpUrl> resolve_http_url(const HttpUrl& base, std::string_view location) {
  const CurlUrl url(curl_url(), curl_url_cleanup);
  TRY(parse(url.get(), base.text()));
  return parse(url.get(), location);
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::strchr("-._~", c) != nullptr;
    if ((plain && c != '\0') || (keep_slashes && c == '/')) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool is_public_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    return is_public4(ntohl(in.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof in);
    return is_public6(in.sin6_addr.s6_addr);
  }
  return false;
}

bool is_public_address(const std::string& text) {
  sockaddr_in in4{};
  in4.sin_family = AF_INET;
  if (::inet_pton(AF_INET, text.c_str(), &in4.sin_addr) == 1) {
    return is_public_address(reinterpret_cast<const sockaddr*>(&in4));
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  const bool is_six = ::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1;
  return is_six && is_public_address(reinterpret_cast<const sockaddr*>(&in6));
}

}  // namespace overtake
