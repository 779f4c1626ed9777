#include "net/request_parser.h"

#include <gtest/gtest.h>

#include <random>

namespace overtake {
namespace {

struct Outcome {
  int status = 0;  // 0: more is needed; 200: a request; else the refusal
  HttpRequest request;
  std::string rest;
};

Outcome parse(std::string_view bytes, RequestLimits limits = {}) {
  RequestParser parser(limits);
  const size_t used = parser.feed(bytes);
  Outcome outcome;
  outcome.rest = bytes.substr(used);
  if (parser.state() == RequestParser::State::kFailed) outcome.status = parser.error_status();
  if (parser.state() == RequestParser::State::kDone) {
    outcome.status = 200;
    outcome.request = parser.take_request();
  }
  return outcome;
}

TEST(RequestParser, ReadsARequest) {
  const Outcome outcome =
      parse("POST /v1//x?q=1 HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\nContent-Length: 3\r\n\r\nabcGET");
  ASSERT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.request.method, "POST");
  EXPECT_EQ(outcome.request.path, "/v1/x");
  EXPECT_EQ(outcome.request.query, "q=1");
  EXPECT_EQ(outcome.request.header("x-y"), "z");
  EXPECT_EQ(outcome.request.header("absent"), std::nullopt);
  EXPECT_EQ(outcome.request.body, "abc");
  EXPECT_EQ(outcome.rest, "GET");
}

TEST(RequestParser, TheHostOfAnAbsoluteTargetWins) {
  const Outcome outcome = parse("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.request.header("host"), "evil.example");
}

// Bodies that two servers could see the end of at different places, and heads beyond the limits.
struct Case {
  const char* name;
  std::string bytes;
  int status;
};

std::string post(const std::string& headers, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

std::vector<Case> smuggling_table() {
  const std::string chunk = "3\r\nabc\r\n0\r\n\r\n";
  return {
      {"length and chunked", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", chunk),
       400},
      {"chunked and length", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", chunk),
       400},
      {"two lengths that differ", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
      {"two lengths that agree", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
      {"a list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400},
      {"a negative length", post("Content-Length: -1\r\n", ""), 400},
      {"a signed length", post("Content-Length: +3\r\n", "abc"), 400},
      {"a hexadecimal length", post("Content-Length: 0x3\r\n", "abc"), 400},
      {"a length of 2^64", post("Content-Length: 18446744073709551616\r\n", ""), 400},
      {"a length of 2^63", post("Content-Length: 9223372036854775808\r\n", ""), 413},
      {"an empty length", post("Content-Length:\r\n", ""), 400},
      {"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunk),
       400},
      {"a list of codings", post("Transfer-Encoding: gzip, chunked\r\n", chunk), 501},
      {"chunked not last", post("Transfer-Encoding: chunked, identity\r\n", chunk), 501},
      {"a misspelt coding", post("Transfer-Encoding: xchunked\r\n", chunk), 501},
      {"a vertical tab in the coding", post("Transfer-Encoding: \vchunked\r\n", chunk), 400},
      {"a space before the colon", post("Transfer-Encoding : chunked\r\n", chunk), 400},
      {"a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", chunk), 400},
      {"a bare line feed", post("X: y\nTransfer-Encoding: chunked\r\n", chunk), 400},
      {"a bare carriage return", post("X: y\rTransfer-Encoding: chunked\r\n", chunk), 400},
      {"a NUL in a header", post(std::string("X: a\0b\r\n", 8), ""), 400},
      {"chunked in HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, 400},
      {"a negative chunk", post("Transfer-Encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n"), 400},
      {"a chunk of 2^64", post("Transfer-Encoding: chunked\r\n", "10000000000000000\r\n"), 400},
      {"a chunk of 2^63", post("Transfer-Encoding: chunked\r\n", "8000000000000000\r\n"), 413},
      {"a chunk without its end", post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"),
       400},
      {"a chunk size with 0x", post("Transfer-Encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n"),
       400},
      {"chunk size and bare line feed",
       post("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n"), 400},
      {"a chunk size with a space",
       post("Transfer-Encoding: chunked\r\n", "3 \r\nabc\r\n0\r\n\r\n"), 400},
      {"a chunk size without digits",
       post("Transfer-Encoding: chunked\r\n", ";a\r\nabc\r\n0\r\n\r\n"), 400},
      {"a NUL in a trailer",
       post("Transfer-Encoding: chunked\r\n", std::string("0\r\nX: \0\r\n\r\n", 11)), 400},
      {"half a last chunk", post("Transfer-Encoding: chunked\r\n", "0\r\n\r"), 0},
      {"no last chunk", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"), 0},
      {"a compressed body", post("Content-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"), 415},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 505},
      {"an unknown expectation", post("Expect: more\r\nContent-Length: 3\r\n", "abc"), 417},
      {"a body beyond the limit", post("Content-Length: 16777217\r\n", ""), 413},
      {"a head beyond the limit", post("X: " + std::string(40'000, 'x') + "\r\n", ""), 431},
      {"good: a length", post("Content-Length: 3\r\n", "abc"), 200},
      {"good: chunks", post("Transfer-Encoding: chunked\r\n", chunk), 200},
      {"good: chunks in capitals", post("transfer-encoding: CHUNKED\r\n", chunk), 200},
      {"good: a chunk extension",
       post("Transfer-Encoding: chunked\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n"), 200},
      {"good: a trailer", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX: y\r\n\r\n"),
       200},
      {"good: empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
  };
}

TEST(RequestParser, RefusesWhatTwoServersCouldReadDifferently) {
  for (const Case& c : smuggling_table()) {
    const Outcome outcome = parse(c.bytes);
    EXPECT_EQ(outcome.status, c.status) << c.name;
    if (c.status == 200 && outcome.request.method == "POST") {
      EXPECT_EQ(outcome.request.body, "abc") << c.name;
    }
  }
}

// However the network cuts the bytes, the outcome is the same.
TEST(RequestParser, DoesNotDependOnHowTheBytesAreCut) {
  std::mt19937 random(7);
  for (const Case& c : smuggling_table()) {
    for (int round = 0; round < 20; ++round) {
      RequestParser parser({});
      std::string buffered;
      size_t sent = 0;
      while (parser.state() < RequestParser::State::kDone && sent < c.bytes.size()) {
        const size_t n =
            std::min<size_t>(c.bytes.size() - sent, 1 + random() % (round < 10 ? 4 : 400));
        buffered += c.bytes.substr(sent, n);
        sent += n;
        buffered.erase(0, parser.feed(buffered));
      }
      int status = 0;
      if (parser.state() == RequestParser::State::kDone) status = 200;
      if (parser.state() == RequestParser::State::kFailed) status = parser.error_status();
      EXPECT_EQ(status, c.status) << c.name;
    }
  }
}

TEST(RequestParser, BoundsAChunkedBodyAsItComes) {
  RequestLimits limits;
  limits.max_body_bytes = 10;
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\n", "6\r\nabcdef\r\n6\r\n"), limits).status,
            413);
  EXPECT_EQ(
      parse(post("Transfer-Encoding: chunked\r\n", "A\r\n0123456789\r\n0\r\n\r\n"), limits).status,
      200);
}

TEST(RequestParser, BoundsChunkHeadersAndTrailers) {
  const std::string endless(100'000, 'x');
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\n", "3;" + endless)).status, 400);
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\n", "0\r\nX: " + endless)).status, 400);
}

TEST(RequestParser, BoundsTheNumberOfHeaders) {
  std::string headers;
  for (int i = 0; i < 120; ++i) headers += "X: y\r\n";
  EXPECT_EQ(parse(post(headers, "")).status, 431);
}

}  // namespace
}  // namespace overtake
