// pull from a hub that sends elsewhere, or refuses.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pull_hub.h"

namespace overtake {
namespace {

using testing::Exchange;
using ::testing::HasSubstr;
using testing::kSecret;
using ::testing::Not;
using testing::PullTest;
using testing::ScriptedServer;

TEST_F(PullTest, RedirectWithinTheRulesIsFollowedAndTheTokenStaysWithTheHub) {
  ScriptedServer storage(
      [&](const Exchange& e) { return hub_.send_file(e, hub_.files["m.Q4_K_M.gguf"]); });
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    return e.answer(302, "Location: " + storage.url("/signed?x=y") + "\r\n", "");
  };
  ASSERT_TRUE(pull().ok());
  for (const std::string& head : storage.heads()) EXPECT_THAT(head, Not(HasSubstr(kSecret)));
  for (const std::string& head : hub_.server.heads()) EXPECT_THAT(head, HasSubstr(kSecret));
}

TEST_F(PullTest, RedirectsThatAreNotFollowed) {
  for (const char* location : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/",
                               "javascript:1", "http://user:pw@127.0.0.1/", "/\r\nX: y\\"}) {
    hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
      return e.answer(302, fmt::format("Location: {}\r\n", location), "");
    };
    EXPECT_FALSE(pull().ok()) << location;
    expect_nothing_in_place();
  }
}

TEST_F(PullTest, RedirectFromOutsideIntoThisNetworkIsNotFollowed) {
  // A proxy lets a name of the outside world be answered here.
  ::setenv("http_proxy", hub_.server.url("").c_str(), 1);
  for (const std::string host :
       {"127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]"}) {
    hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
      return e.answer(302, "Location: http://" + host + ":1/secret\r\n", "");
    };
    PullOptions all = options();
    all.hub.endpoint = "http://hub.example";
    const auto source = parse_pull_source("hf:owner/repo", "m", all.hub);
    const auto pulled = pull_model(*source, all, cancel_);
    EXPECT_EQ(pulled.error().code, ErrorCode::kPermissionDenied) << host << pulled.error().message;
    EXPECT_THAT(pulled.error().message, HasSubstr("public")) << host;
  }
  ::unsetenv("http_proxy");
  for (const std::string& head : hub_.server.heads()) {
    EXPECT_THAT(head, Not(HasSubstr("/secret")));
    EXPECT_THAT(head, Not(HasSubstr(kSecret)));  // plain http, and not to this machine
  }
}

TEST_F(PullTest, RedirectLoopsEnd) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    ++n;
    return e.answer(302, "Location: " + e.path() + "\r\n", "");
  };
  EXPECT_EQ(pull().error().code, ErrorCode::kPermissionDenied);
  EXPECT_LT(n, 12);
}

TEST(Redirects, FromHttpsToHttpIsRefused) {
  const HttpUrl secure = *parse_http_url("https://hub.example/x");
  EXPECT_FALSE(check_redirect(secure, "http://hub.example/x").ok());
  EXPECT_FALSE(check_redirect(secure, "file:///x").ok());
  EXPECT_TRUE(check_redirect(secure, "https://cdn.example/x").ok());
  EXPECT_TRUE(check_redirect(secure, "/y").ok());
}

TEST_F(PullTest, StoragesDigestThatDiffersFromTheListsIsRefused) {
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (e.path().ends_with("?again")) return std::nullopt;
    return e.answer(302,
                    fmt::format("Location: {}?again\r\nX-Linked-Etag: \"{}\"\r\n", e.path(),
                                std::string(64, 'b')),
                    "");
  };
  EXPECT_THAT(pull().error().message, HasSubstr("another digest"));
}

TEST_F(PullTest, GatedAndAbsentAndBusyAreExplained) {
  struct Case {
    int status;
    const char* headers;
    const char* words;
  };
  for (const Case& c :
       {Case{401, "", "token"}, Case{403, "", "accept the licence"}, Case{404, "", "spelling"},
        Case{429, "Retry-After: 0\r\n", "fewer requests"}, Case{503, "", "problem of its own"}}) {
    hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
      return e.answer(c.status, c.headers, "");
    };
    const auto pulled = pull();
    ASSERT_FALSE(pulled.ok());
    EXPECT_THAT(pulled.error().message, HasSubstr(c.words));
    EXPECT_THAT(pulled.error().message, Not(HasSubstr(kSecret)));
    EXPECT_THAT(notes_, Not(HasSubstr(kSecret)));
  }
}

TEST_F(PullTest, GatedWithoutTokenNamesPageAndVariable) {
  hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
    return e.answer(401, "X-Error-Code: GatedRepo\r\n", "");
  };
  PullOptions all = options();
  all.hub.token.clear();
  const auto source = parse_pull_source("hf:owner/repo", "m", all.hub);
  const std::string message = pull_model(*source, all, cancel_).error().message;
  EXPECT_THAT(message, HasSubstr(all.hub.endpoint + "/owner/repo"));
  EXPECT_THAT(message, HasSubstr("HF_TOKEN"));
}

TEST_F(PullTest, BusyServerIsAskedAgainWhenItSays) {
  std::atomic<int> n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    return n++ > 0 ? std::nullopt : std::optional(e.answer(429, "Retry-After: 1\r\n", ""));
  };
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(pull().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace overtake
