// The bytes of a connection from a stranger: they become requests or one refusal, and the same ones
// however the network cuts the bytes.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "net/request_parser.h"

namespace {

using overtake::RequestParser;

struct Outcome {
  std::vector<std::string> requests;
  int refusal = 0;
  bool operator==(const Outcome&) const = default;
};

void check_request(const overtake::HttpRequest& request) {
  OVERTAKE_CHECK(request.path.starts_with('/'));
  for (const char* never : {"//", "%", "/../", "\\"}) {
    OVERTAKE_CHECK(request.path.find(never) == std::string::npos);
  }
  OVERTAKE_CHECK(!request.path.ends_with("/.."));
  OVERTAKE_CHECK(request.path.find('\0') == std::string::npos);
  OVERTAKE_CHECK(request.body.size() <= 4096);
}

// Presents `bytes` in pieces of at most `step`.
Outcome read_all(std::string_view bytes, size_t step) {
  overtake::RequestLimits limits;
  limits.max_header_bytes = 512;
  limits.max_headers = 16;
  limits.max_body_bytes = 4096;
  RequestParser parser(limits);
  Outcome outcome;
  std::string input;
  for (size_t at = 0; at < bytes.size(); at += step) {
    input += bytes.substr(at, step);
    while (!input.empty()) {
      const size_t used = parser.feed(input);
      OVERTAKE_CHECK(used <= input.size());
      input.erase(0, used);
      if (parser.state() == RequestParser::State::kFailed) {
        OVERTAKE_CHECK(parser.error_status() >= 400 && !parser.error_message().empty());
        outcome.refusal = parser.error_status();
        return outcome;
      }
      if (parser.state() != RequestParser::State::kDone) break;
      const overtake::HttpRequest request = parser.take_request();
      check_request(request);
      outcome.requests.push_back(request.method + " " + request.path + " " + request.body);
    }
    OVERTAKE_CHECK(input.size() <= limits.max_header_bytes + step);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read_all(bytes, bytes.size() + 1);
  const Outcome cut = read_all(bytes, 1 + data[0] % 7);
  // Limits may strike earlier where the bytes come in pieces; what was accepted is the same.
  OVERTAKE_CHECK(whole.requests == cut.requests);
  OVERTAKE_CHECK((whole.refusal != 0) == (cut.refusal != 0));
  return 0;
}
