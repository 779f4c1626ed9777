#include "net/http_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace overtake {
namespace {

TEST(HttpUrl, PartsAreNormalized) {
  const Result<HttpUrl> url = parse_http_url("HTTPS://Example.ORG./a/../b?x=1#part");
  ASSERT_TRUE(url.ok()) << url.error().message;
  EXPECT_EQ(url->text(), "https://example.org:443/b?x=1");
  EXPECT_EQ(parse_http_url("http://[::1]:8080/")->origin(), "http://[::1]:8080");
}

TEST(HttpUrl, RefusesWhatIsNoPlainWebAddress) {
  for (const char* bad :
       {"file:///etc/passwd", "ftp://a/b", "gopher://a/", "javascript:alert(1)", "//a/b", "", "/a",
        "http://", "http://a b/", "http://a/\r\nX: 1", "https://user:pw@host/", "http://a:99999/",
        "http://host\\@other/", "https://user@host/", "http://a/\x01"}) {
    EXPECT_FALSE(parse_http_url(bad).ok()) << bad;
  }
}

TEST(HttpUrl, PasswordIsNotShown) {
  EXPECT_THAT(parse_http_url("https://me:secret@host/").error().message,
              testing::Not(testing::HasSubstr("secret")));
}

TEST(HttpUrl, LocationsResolveAgainstTheirBase) {
  const HttpUrl base = *parse_http_url("https://hub.example/a/b?c");
  EXPECT_EQ(resolve_http_url(base, "/d")->text(), "https://hub.example:443/d");
  EXPECT_EQ(resolve_http_url(base, "d")->text(), "https://hub.example:443/a/d");
  EXPECT_EQ(resolve_http_url(base, "//cdn.example/e")->text(), "https://cdn.example:443/e");
  EXPECT_EQ(resolve_http_url(base, "http://x.example/")->text(), "http://x.example:80/");
  EXPECT_FALSE(resolve_http_url(base, "file:///etc/passwd").ok());
}

TEST(HttpUrl, OnlyAddressesOfTheOpenInternetArePublic) {
  for (const char* open : {"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1",
                           "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    EXPECT_TRUE(is_public_address(open)) << open;
  }
  for (const char* closed : {"127.0.0.1",
                             "127.9.9.9",
                             "0.0.0.0",
                             "10.0.0.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "169.254.169.254",
                             "100.64.0.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "198.18.0.1",
                             "192.0.2.1",
                             "240.0.0.1",
                             "::1",
                             "::",
                             "fe80::1",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "64:ff9b::a00:1",
                             "2002:7f00:1::",
                             "2001:db8::1",
                             "2001::1",
                             "::127.0.0.1",
                             "fec0::1",
                             "name",
                             "",
                             "0x7f000001"}) {
    EXPECT_FALSE(is_public_address(closed)) << closed;
  }
}

TEST(HttpUrl, EncodesWhatAPathMayNotHold) {
  EXPECT_EQ(percent_encoded("a b/c%.gguf?"), "a%20b%2Fc%25.gguf%3F");
  EXPECT_EQ(percent_encoded("BF16/ö", true), "BF16/%C3%B6");
}

}  // namespace
}  // namespace overtake
