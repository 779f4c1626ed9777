#include "net/http_target.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

TEST(HttpTarget, NormalizesWhatHasOneReading) {
  const std::pair<const char*, const char*> cases[] = {
      {"/", "/"},
      {"/v1/models", "/v1/models"},
      {"/v1//models", "/v1/models"},
      {"//v1/models", "/v1/models"},
      {"/./v1/./models", "/v1/models"},
      {"/v1/models/", "/v1/models/"},
      {"/v1/models/openai%2Fgpt-4o", "/v1/models/openai/gpt-4o"},
      {"/%76%31/models", "/v1/models"},
      {"/a%20b", "/a b"},
      {"/v1/models?limit=1&x=%2e%2e", "/v1/models"},
      {"http://localhost:8080/v1/models", "/v1/models"},
      {"http://localhost?x", "/"},
      {"/...", "/..."},
  };
  for (const auto& [raw, path] : cases) {
    const auto target = parse_http_target(raw);
    ASSERT_TRUE(target.ok()) << raw << ": " << target.error().message;
    EXPECT_EQ(target.value().path, path) << raw;
  }
  EXPECT_EQ(parse_http_target("/a?b?c=%20")->query, "b?c=%20");
  EXPECT_EQ(parse_http_target("http://localhost:80/a")->authority, "localhost:80");
}

TEST(HttpTarget, RejectsWhatHasTwoReadings) {
  for (const char* raw : {"",          "v1/models",   "*",
                          "/..",       "/a/../b",     "/a/%2e%2e/b",
                          "/a/.%2E",   "/a%00",       "/a%0d%0ab",
                          "/a%7f",     "/a%25",       "/a%252e",
                          "/a#b",      "/a\\b",       "/a%5cb",
                          "/a%",       "/a%2",        "/a%zz",
                          "/a b",      "/\x80",       "https://localhost/",
                          "http:///x", "http://a@b/", "localhost:8080"}) {
    EXPECT_FALSE(parse_http_target(raw).ok()) << raw;
  }
}

TEST(HttpTarget, TakesThePortOffAHost) {
  EXPECT_EQ(host_without_port("LocalHost:8080"), "localhost");
  EXPECT_EQ(host_without_port("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(host_without_port("[::1]:80"), "[::1]");
  EXPECT_EQ(host_without_port("[::1]"), "[::1]");
  for (const char* bad :
       {"", ":80", "[::1", "[::1]x", "a:b", "user@host", "a/b", "localhost:80:80"}) {
    EXPECT_EQ(host_without_port(bad), "") << bad;
  }
}

}  // namespace
}  // namespace overtake
