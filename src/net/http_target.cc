#include "net/http_target.h"

#include <algorithm>
#include <cctype>

namespace overtake {
namespace {

Error bad_target(std::string_view why) {
  return {ErrorCode::kInvalidArgument,
          "bad request target: " + std::string(why) + "; request line; send a plain path"};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i];
      continue;
    }
    const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
    const int low = i + 2 < raw.size() ? hex_digit(raw[i + 2]) : -1;
    if (high < 0 || low < 0) return bad_target("incomplete percent encoding");
    const char c = static_cast<char>(high << 4 | low);
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return bad_target("encoded control character");
    if (c == '%') return bad_target("doubly encoded");
    out += c;
    i += 2;
  }
  return out;
}

// Joins the segments again, without the empty and "." ones.
Result<std::string> normalize(std::string_view decoded) {
  std::string out;
  for (size_t begin = 0; begin < decoded.size();) {
    const size_t end = std::min(decoded.find('/', begin), decoded.size());
    const std::string_view segment = decoded.substr(begin, end - begin);
    if (segment == "..") return bad_target("\"..\" in the path");
    if (!segment.empty() && segment != ".") out.append("/").append(segment);
    begin = end + 1;
  }
  if (out.empty() || decoded.back() == '/') out += '/';
  return out;
}

}  // namespace

Result<HttpTarget> parse_http_target(std::string_view raw) {
  HttpTarget target;
  for (const char c : raw) {
    if (c <= 0x20 || c >= 0x7f) return bad_target("a byte that must be percent-encoded");
    if (c == '#') return bad_target("a fragment");
    if (c == '\\') return bad_target("a backslash");
  }
  constexpr std::string_view kScheme = "http://";
  if (raw.substr(0, kScheme.size()) == kScheme) {
    raw.remove_prefix(kScheme.size());
    const size_t end = std::min(raw.find_first_of("/?"), raw.size());
    target.authority = raw.substr(0, end);
    if (host_without_port(target.authority).empty()) return bad_target("no host");
    raw.remove_prefix(end);
    if (raw.empty() || raw[0] == '?') {
      target.path = "/";
      target.query = raw.empty() ? raw : raw.substr(1);
      return target;
    }
  }
  if (raw.empty() || raw[0] != '/') return bad_target("does not begin with \"/\"");
  const size_t question = std::min(raw.find('?'), raw.size());
  if (question < raw.size()) target.query = raw.substr(question + 1);
  const std::string decoded = TRY(percent_decode(raw.substr(0, question)));
  if (decoded.find('\\') != decoded.npos) return bad_target("an encoded backslash");
  target.path = TRY(normalize(decoded));
  return target;
}

std::string host_without_port(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (!host.empty() && host[0] == '[') {
    const size_t close = host.find(']');
    if (close == host.npos) return {};
    port = host.substr(close + 1);
    host = host.substr(0, close + 1);
    if (!port.empty() && port[0] != ':') return {};
  } else if (const size_t colon = host.find(':'); colon != host.npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (!port.empty()) port.remove_prefix(1);
  if (!std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c); })) {
    return {};
  }
  std::string out(host);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isalnum(byte) && std::string_view("-._[]:").find(c) == std::string_view::npos)
      return {};
    c = static_cast<char>(std::tolower(byte));
  }
  return out;
}

}  // namespace overtake
