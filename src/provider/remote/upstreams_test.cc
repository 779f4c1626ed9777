#include "provider/remote/upstreams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace overtake {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Upstream& named(const Upstreams& upstreams, const std::string& name) {
  for (const auto& each : upstreams.all()) {
    if (each->name == name) return *each;
  }
  ADD_FAILURE() << name;
  return *upstreams.all()[0];
}

TEST(Provider, EveryOneIsWhole) {
  for (const Provider* provider : all_providers()) {
    ASSERT_TRUE(provider->dialect && provider->authorize && provider->upstreams);
    EXPECT_FALSE(provider->dialect->name.empty());
    EXPECT_TRUE(provider->dialect->write_request && provider->dialect->make_reader &&
                provider->dialect->read_error && provider->dialect->read_models);
    EXPECT_THAT(provider->authorize("k").value, HasSubstr("k"));
    const auto upstreams = provider->upstreams({});
    ASSERT_TRUE(upstreams.ok());
    for (const Upstream& upstream : *upstreams) {
      // Without a word of the operator's: a vendor that wants a key, or a server on this machine.
      const bool is_here = upstream.base_url.starts_with("http://127.0.0.1:");
      EXPECT_TRUE(is_here || upstream.base_url.starts_with("https://")) << upstream.name;
      EXPECT_EQ(upstream.public_only && upstream.needs_key, !is_here) << upstream.name;
      EXPECT_FALSE(upstream.given);
      EXPECT_FALSE(upstream.base_url.ends_with('/'));
    }
  }
}

TEST(Upstreams, ComeFromTheEnvironment) {
  const auto made =
      Upstreams::from({{"OPENAI_API_KEY", "k1"},
                       {"OVERTAKE_UPSTREAM_GROQ_URL", "https://api.groq.com/openai/v1/"},
                       {"OVERTAKE_UPSTREAM_GROQ_API_KEY", "k2"},
                       {"OVERTAKE_UPSTREAM_MY_VLLM_URL", "http://vllm:8000/v1"},
                       {"OVERTAKE_UPSTREAM__URL", "http://x"},
                       {"OVERTAKE_UPSTREAM_EMPTY_URL", ""}});
  ASSERT_TRUE(made.ok()) << made.error().message;
  Upstreams& upstreams = **made;
  EXPECT_EQ(named(upstreams, "openai").key, "k1");
  EXPECT_EQ(named(upstreams, "groq").key, "k2");
  EXPECT_EQ(named(upstreams, "groq").base_url, "https://api.groq.com:443/openai/v1");
  EXPECT_EQ(named(upstreams, "my_vllm").key, "");
  ASSERT_TRUE(upstreams.find("groq/meta/llama"));
  EXPECT_EQ(upstreams.find("groq/meta/llama")->info().name, "groq/meta/llama");
  for (const char* name :
       {"", "/", "groq", "groq/", "other/m", "/m", "openai/a b", "openai/a\nb", "OpenAI/gpt-4o"}) {
    EXPECT_FALSE(upstreams.find(name)) << name;
  }
  EXPECT_FALSE(upstreams.find("openai/" + std::string(300, 'x')));
}

// As Ollama's own clients read it.
TEST(Upstreams, OllamaIsWhereItsVariableSays) {
  const std::pair<const char*, const char*> cases[] = {
      {"example.com", "http://example.com:11434"},
      {"1.2.3.4:56789", "http://1.2.3.4:56789"},
      {":56789", "http://127.0.0.1:56789"},
      {"0.0.0.0", "http://127.0.0.1:11434"},
      {"0.0.0.0:80", "http://127.0.0.1:80"},
      {"[::]:8080", "http://[::1]:8080"},
      {"::1", "http://[::1]:11434"},
      {"[::1]", "http://[::1]:11434"},
      {"example.com:56789/path/", "http://example.com:56789/path"},
      {"http://example.com", "http://example.com:80"},
      {"https://example.com/path", "https://example.com:443/path"},
      {"https://example.com:56789", "https://example.com:56789"}};
  for (const auto& [host, url] : cases) {
    const auto made = Upstreams::from({{"OLLAMA_HOST", host}, {"OLLAMA_API_KEY", "k"}});
    ASSERT_TRUE(made.ok()) << host << made.error().message;
    const Upstream& upstream = named(**made, "ollama");
    EXPECT_EQ(upstream.base_url, url) << host;
    EXPECT_EQ(upstream.key, "k");
    EXPECT_EQ(upstream.public_only, std::string_view(host).find("example.com") == 0 ||
                                        std::string_view(host).find("://ex") != std::string::npos ||
                                        std::string_view(host) == "1.2.3.4:56789")
        << host;
    EXPECT_TRUE(upstream.given);
  }
  const auto unset = Upstreams::from({});
  EXPECT_EQ(named(**unset, "ollama").base_url, "http://127.0.0.1:11434");
  EXPECT_FALSE(named(**unset, "ollama").public_only);
  EXPECT_EQ((*unset)->find("ollama/hf.co/a/b:Q4_K_M")->info().name, "ollama/hf.co/a/b:Q4_K_M");
  const auto bad = Upstreams::from({{"OLLAMA_HOST", "ftp://x"}});
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message, HasSubstr("OLLAMA_HOST"));
}

TEST(Upstreams, VariablesThatMakeNoSenseAreNamed) {
  for (const char* url :
       {"nonsense://x", "http://u:secret@host/v1", "https://a b", "https://x/v1?k=1"}) {
    const auto bad = Upstreams::from({{"OPENAI_BASE_URL", url}});
    ASSERT_FALSE(bad.ok()) << url;
    EXPECT_THAT(bad.error().message, HasSubstr("OPENAI_BASE_URL"));
    EXPECT_THAT(bad.error().message, Not(HasSubstr("secret")));
  }
  const auto twice = Upstreams::from({{"OVERTAKE_UPSTREAM_OPENAI_URL", "https://a.b"}});
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(twice.error().message, HasSubstr("two upstreams"));
}

// What a base URL may lead to. Private ones as an operator writes them are meant; where a name of
// the open internet leads, the address decides.
TEST(Upstreams, OnlyPrivateNamesAndDigitsAreAllowedPrivateAddresses) {
  const std::pair<const char*, bool> cases[] = {
      {"https://api.openai.com/v1", true}, {"http://8.8.8.8/v1", true},
      {"http://[2606:4700::1111]/", true}, {"https://localhost.example.com", true},
      {"http://localhost:8000/v1", false}, {"http://127.0.0.1:8000", false},
      {"http://[::1]:8000", false},        {"http://10.1.2.3", false},
      {"http://192.168.0.9/v1", false},    {"http://vllm:8000", false},
      {"http://box.local", false},         {"http://gpu.internal", false}};
  for (const auto& [url, public_only] : cases) {
    const auto made = Upstreams::from({{"OPENAI_BASE_URL", url}});
    ASSERT_TRUE(made.ok()) << url;
    EXPECT_EQ(named(**made, "openai").public_only, public_only) << url;
    const auto open =
        Upstreams::from({{"OPENAI_BASE_URL", url}, {"OVERTAKE_ALLOW_PRIVATE_UPSTREAMS", "1"}});
    EXPECT_FALSE(named(**open, "openai").public_only) << url;
  }
}

// Addresses of this machine, of private networks and of clouds' metadata, in all the ways that
// they can be written; the last ones are names, judged when they are resolved.
const char* const kForbidden[] = {"127.0.0.1",
                                  "127.1",
                                  "127.255.255.254",
                                  "2130706433",
                                  "0x7f000001",
                                  "0x7f.1",
                                  "0177.0.0.1",
                                  "017700000001",
                                  "127.0.0.1.",
                                  "0.0.0.0",
                                  "0",
                                  "0x0",
                                  "10.0.0.1",
                                  "10.255.255.255",
                                  "012.0.0.1",
                                  "0xa.0.0.1",
                                  "167772161",
                                  "172.16.0.1",
                                  "172.31.255.255",
                                  "192.168.1.1",
                                  "192.168.257",
                                  "3232235777",
                                  "0xc0a80101",
                                  "0300.0250.1.1",
                                  "169.254.169.254",
                                  "2852039166",
                                  "0xa9fea9fe",
                                  "0251.0376.0251.0376",
                                  "169.254.43518",
                                  "100.64.0.1",
                                  "100.127.255.255",
                                  "192.0.0.1",
                                  "192.0.2.1",
                                  "198.18.0.1",
                                  "198.51.100.1",
                                  "203.0.113.1",
                                  "224.0.0.1",
                                  "240.0.0.1",
                                  "255.255.255.255",
                                  "[::1]",
                                  "[::]",
                                  "[0:0:0:0:0:0:0:1]",
                                  "[::127.0.0.1]",
                                  "[::ffff:127.0.0.1]",
                                  "[::ffff:7f00:1]",
                                  "[::ffff:10.0.0.1]",
                                  "[::ffff:169.254.169.254]",
                                  "[::ffff:a9fe:a9fe]",
                                  "[64:ff9b::a9fe:a9fe]",
                                  "[64:ff9b::127.0.0.1]",
                                  "[2002:7f00:1::]",
                                  "[2002:a9fe:a9fe::1]",
                                  "[fe80::1]",
                                  "[fd00:ec2::254]",
                                  "[fc00::1]",
                                  "[ff02::1]",
                                  "[2001:db8::1]",
                                  "[2001::1]",
                                  "[fec0::1]",
                                  "localhost",
                                  "LOCALHOST",
                                  "localhost.",
                                  "api.localhost",
                                  "a.b.localhost."};

TEST(Upstreams, PrivateAddressesAreRefusedHoweverTheyAreWritten) {
  static_assert(std::size(kForbidden) >= 60);
  RemoteLoop loop({.connect_timeout_ms = 2000, .max_retries = 0});
  for (const char* host : kForbidden) {
    Upstream upstream;
    upstream.name = "x";
    upstream.public_only = true;
    std::promise<Status> done;
    std::unique_ptr<HttpCall> call;
    loop.post([&] {
      HttpClientRequest request;
      request.url = std::string("http://") + host + ":9/v1";
      request.connect_timeout_ms = 2000;
      call = loop.client(upstream).start(
          std::move(request), {.done = [&](Status status) { done.set_value(std::move(status)); }});
    });
    const Status status = done.get_future().get();
    ASSERT_FALSE(status.ok()) << host;
    const ErrorCode code = status.error().code;
    EXPECT_TRUE(code == ErrorCode::kPermissionDenied || code == ErrorCode::kInvalidArgument)
        << host << ": " << status.error().message;
    std::promise<void> gone;
    loop.post([&] {
      call.reset();
      gone.set_value();
    });
    gone.get_future().get();
  }
}

TEST(Upstreams, RetryAfterIsReadInAllItsForms) {
  const int64_t now = int64_t{784111777} * 1'000'000;  // Sun, 06 Nov 1994 08:49:37 GMT
  const std::pair<HttpHeader, std::optional<int64_t>> cases[] = {
      {{"Retry-After", "2"}, 2000},
      {{"retry-after-ms", "250"}, 250},
      {{"Retry-After", "Sun, 06 Nov 1994 08:49:40 GMT"}, 3000},
      {{"Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"}, 0},
      {{"Retry-After", "99999999999999"}, 86'400'000},
      {{"Retry-After", "-1"}, std::nullopt},
      {{"Retry-After", "soon"}, std::nullopt},
      {{"X", "1"}, std::nullopt},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(retry_after_ms({.headers = {header}}, now), expected) << header.value;
  }
}

TEST(Upstreams, RetriesAreATenthOfRequestsAtMost) {
  RetryBudget budget;
  int n = 0;
  while (budget.spend()) ++n;
  EXPECT_EQ(n, 10);
  for (int i = 0; i < 101; ++i) {
    budget.earn();
    n += budget.spend();
  }
  EXPECT_LE(n, 20);
  EXPECT_GE(n, 19);
}

TEST(Upstreams, AnEndingLoopLeavesNobodyWaiting) {
  Result<Answer> answer = Error{ErrorCode::kInternal, ""};
  {
    // Whether the connection hangs or is refused.
    auto made = Upstreams::from({{"OPENAI_BASE_URL", "http://10.255.255.1:9/v1"}});
    ASSERT_TRUE(made.ok());
    GenerateRequest request;
    request.prompt = ChatPrompt{{Message{.content = {TextPart{"x"}}}}};
    answer = (*made)->find("openai/m")->generate(std::move(request));
    ASSERT_TRUE(answer.ok());
  }
  EXPECT_TRUE(std::holds_alternative<FailedEvent>((*answer)->next()));
}

TEST(Upstreams, TheirSilenceIsBoundedAsTheOperatorSays) {
  EXPECT_TRUE(Upstreams::from({{"OVERTAKE_UPSTREAM_SILENCE_S", "600"}}).ok());
  for (const char* bad : {"0", "-1", "1.5", "10s", "99999999999"}) {
    const auto upstreams = Upstreams::from({{"OVERTAKE_UPSTREAM_SILENCE_S", bad}});
    ASSERT_FALSE(upstreams.ok()) << bad;
    EXPECT_NE(upstreams.error().message.find("OVERTAKE_UPSTREAM_SILENCE_S"), std::string::npos);
  }
}

}  // namespace
}  // namespace overtake
