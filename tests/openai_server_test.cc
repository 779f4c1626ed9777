// The whole server over a scripted generator: endpoints, refusals, failures, clients that leave.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/json.h"
#include "engine/null_generator.h"
#include "raw_client.h"
#include "scripted_generator.h"
#include "server/router.h"

namespace overtake {
namespace {

using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::now_ms;
using testing::post;
using testing::RawClient;
using testing::Script;
using testing::ScriptedGenerator;

constexpr EmbeddedFile kPages[] = {
    {"/assets/app-1.js", "text/javascript; charset=utf-8", "\"1\"", "let a;"},
    {"/index.html", "text/html; charset=utf-8", "\"2\"", "<!doctype html>"},
};

class OpenAiServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    context_->generators = {scripted_, make_null_generator()};
    context_->pages = kPages;
    context_->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    auto server = HttpServer::listen(options, make_router(context_));
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override { stop(0); }
  void stop(int drain_ms) {
    if (!thread_.joinable()) return;
    server_->stop(drain_ms);
    thread_.join();
  }
  uint16_t port() const { return server_->port(); }
  RawClient::Response ask(const std::string& bytes) { return RawClient(port()).ask(bytes); }

  static std::string chat(const std::string& workload, bool stream, int n = 1) {
    return post("/v1/chat/completions",
                fmt::format(R"({{"messages":[{{"role":"user","content":"hi"}}],"stream":{},"n":{},)"
                            R"("metadata":{{"workload":"{}"}}}})",
                            stream, n, workload));
  }
  template <typename Condition>
  static bool eventually(Condition condition, int limit_ms = 20'000) {
    const int64_t limit = now_ms() + limit_ms;
    while (!condition()) {
      if (now_ms() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  std::shared_ptr<ScriptedGenerator> scripted_ = std::make_shared<ScriptedGenerator>();
  std::shared_ptr<ServerContext> context_ = std::make_shared<ServerContext>();
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(OpenAiServerTest, AnswersFromTheDefaultModel) {
  scripted_->set("three", {.n_tokens = 3});
  const auto response = ask(chat("three", false));
  ASSERT_EQ(response.status, 200) << response.body;
  const Json body = Json::parse(response.body);
  EXPECT_EQ(body["model"], "scripted");
  EXPECT_EQ(body["choices"][0]["message"]["content"], " 0 1 2");
  EXPECT_THAT(response.head, HasSubstr("Content-Type: application/json"));
}

TEST_F(OpenAiServerTest, StreamsEventsThatProxiesDoNotHoldBack) {
  scripted_->set("three", {.n_tokens = 3});
  const auto response = ask(chat("three", true));
  EXPECT_THAT(response.head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(response.head, HasSubstr("Cache-Control: no-cache"));
  EXPECT_THAT(response.head, HasSubstr("X-Accel-Buffering: no"));
  EXPECT_TRUE(response.body.ends_with("data: [DONE]\n\n"));
}

TEST_F(OpenAiServerTest, RefusalsOfTheModelHaveTheirStatus) {
  scripted_->set("long", {.refuse = Error{ErrorCode::kContextLength, "too long"}});
  scripted_->set("full", {.refuse = Error{ErrorCode::kExhausted, "queue is full"}});
  scripted_->set("broken", {.refuse = Error{ErrorCode::kInternal, "/home/secret"}});
  for (const bool stream : {false, true}) {
    const auto too_long = ask(chat("long", stream));
    EXPECT_EQ(too_long.status, 400);
    EXPECT_EQ(Json::parse(too_long.body)["error"]["code"], "context_length_exceeded");
    const auto full = ask(chat("full", stream));
    EXPECT_EQ(full.status, 503);
    EXPECT_THAT(full.head, HasSubstr("Retry-After: "));
    const auto broken = ask(chat("broken", stream));
    EXPECT_EQ(broken.status, 500);
    EXPECT_THAT(broken.body, Not(HasSubstr("secret")));
  }
}

// A failure before the first event is still a status; after it, an event that clients see.
TEST_F(OpenAiServerTest, FailuresMidwayAreNeverShortSuccesses) {
  scripted_->set("early",
                 {.n_tokens = 5, .fail = Error{ErrorCode::kUnavailable, "gone"}, .silent = true});
  scripted_->set("late", {.n_tokens = 5, .fail = Error{ErrorCode::kUnavailable, "gone"}});
  EXPECT_EQ(ask(chat("early", true)).status, 503);
  EXPECT_EQ(ask(chat("late", false)).status, 503);
  const auto stream = ask(chat("late", true));
  EXPECT_EQ(stream.status, 200);
  EXPECT_THAT(stream.body, HasSubstr("\n\ndata: {\"error\":{\"message\":\"gone\""));
  EXPECT_THAT(stream.body, Not(HasSubstr("[DONE]")));
  EXPECT_THAT(stream.body, Not(HasSubstr("\"finish_reason\":\"stop\"")));
}

TEST_F(OpenAiServerTest, EveryChoiceIsAnAnswerOfItsOwn) {
  scripted_->set("two", {.n_tokens = 2});
  const Json body = Json::parse(ask(chat("two", false, 128)).body);
  ASSERT_EQ(body["choices"].size(), 128u);
  for (const Json& choice : body["choices"]) EXPECT_EQ(choice["message"]["content"], " 0 1");
  EXPECT_EQ(body["usage"]["completion_tokens"], 256);
}

// Each is a copy of the prompt to an upstream.
TEST_F(OpenAiServerTest, ManyAnswersToALargeRequestAreRefused) {
  scripted_->set("", {.n_tokens = 1});
  Json body{{"messages", {{{"role", "user"}, {"content", std::string(3 << 20, 'a')}}}}};
  EXPECT_EQ(ask(post("/v1/chat/completions", dump_json(body))).status, 200);
  body["n"] = 128;
  const auto refused = ask(post("/v1/chat/completions", dump_json(body)));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("ask for fewer"));
}

TEST_F(OpenAiServerTest, BadBodiesAreRefusedInOpenAisShape) {
  for (const char* body : {"", "{", "[]", "{\"messages\":\"x\"}", "{\"a\":1,\"a\":2}",
                           "{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}",
                           "\xff\xfe", "{\"temperature\":NaN}"}) {
    const auto response = ask(post("/v1/chat/completions", body));
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(Json::parse(response.body)["error"]["type"], "invalid_request_error") << body;
  }
  const std::string deep = std::string(100'000, '[');
  EXPECT_EQ(ask(post("/v1/chat/completions", deep)).status, 400);
  EXPECT_EQ(ask(get("/healthz")).status, 200);
}

TEST_F(OpenAiServerTest, RoutesAndRefusesPaths) {
  const auto status = [&](const std::string& method, const std::string& path) {
    return ask(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").status;
  };
  EXPECT_EQ(status("GET", "/v1/models"), 200);
  EXPECT_EQ(status("GET", "/v1//models?x=1"), 200);
  EXPECT_EQ(status("GET", "/v1/models/scripted"), 200);
  EXPECT_EQ(status("GET", "/v1/models/"), 404);
  EXPECT_EQ(status("GET", "/v1/models/open%2Fai"), 404);
  EXPECT_EQ(status("DELETE", "/v1/models"), 405);
  EXPECT_EQ(status("OPTIONS", "/v1/chat/completions"), 405);
  EXPECT_EQ(status("GET", "/v1/chat/completions"), 405);
  EXPECT_EQ(status("GET", "/v1/chat"), 404);
  EXPECT_EQ(status("POST", "/v1/nothing"), 404);
  EXPECT_EQ(status("GET", "/V1/models"), 404);
  EXPECT_EQ(status("GET", "/v1/models#x"), 400);
  EXPECT_EQ(status("GET", "/v1/%2e%2e/healthz"), 400);
  const auto missing = ask(get("/v1/nothing"));
  EXPECT_TRUE(Json::parse(missing.body)["error"]["message"].is_string());
  EXPECT_THAT(ask("PUT /v1/completions HTTP/1.1\r\nHost: localhost\r\n\r\n").head,
              HasSubstr("Allow: POST\r\n"));
}

TEST_F(OpenAiServerTest, RefusesOtherHostsAndOrigins) {
  const auto status = [&](const std::string& headers) {
    return ask("GET /v1/models HTTP/1.1\r\n" + headers + "\r\n").status;
  };
  for (const char* host : {"localhost", "localhost:8080", "127.0.0.1:1", "[::1]:80", "LOCALHOST"}) {
    EXPECT_EQ(status(fmt::format("Host: {}\r\n", host)), 200) << host;
    EXPECT_EQ(status(fmt::format("Host: {0}\r\nOrigin: http://{0}\r\n", host)), 200) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "0.0.0.0",
                           "127.0.0.2", "localhost."}) {
    EXPECT_EQ(status(fmt::format("Host: {}\r\n", host)), 403) << host;
    EXPECT_EQ(status(fmt::format("Host: localhost\r\nOrigin: https://{}\r\n", host)), 403) << host;
  }
  EXPECT_EQ(status("Host: localhost\r\nOrigin: null\r\n"), 403);
  EXPECT_EQ(ask("GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n").status,
            403);
  EXPECT_THAT(ask(get("/v1/models")).head, Not(HasSubstr("Access-Control")));
}

TEST_F(OpenAiServerTest, ServesThePagesAndNothingElse) {
  const auto index = ask(get("/"));
  EXPECT_EQ(index.body, "<!doctype html>");
  EXPECT_THAT(index.head, HasSubstr("Content-Type: text/html; charset=utf-8"));
  EXPECT_THAT(index.head, HasSubstr("Cache-Control: no-cache"));
  EXPECT_THAT(index.head, HasSubstr("Content-Security-Policy: default-src 'self'"));
  EXPECT_THAT(ask(get("/assets/app-1.js")).head, HasSubstr("immutable"));
  RawClient client(port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: W/\"2\"\r\n\r\n");
  const auto not_modified = client.read_response(/*head_only=*/true);
  EXPECT_EQ(not_modified.status, 304);
  EXPECT_EQ(client.ask(get("/index.html")).body, "<!doctype html>");  // no body came before
  for (const char* path :
       {"/assets/", "/assets", "/assets/../index.html", "/etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd", "/index.html%00.js", "/index.html/"}) {
    const int status = ask(get(path)).status;
    EXPECT_TRUE(status == 404 || status == 400) << path;
  }
}

TEST_F(OpenAiServerTest, AClientThatDoesNotReadHoldsNothingUp) {
  scripted_->set("flood", {.n_tokens = 1'000'000, .tokens_per_step = 20'000});
  RawClient slow(port(), /*receive_buffer=*/4096);
  slow.send(chat("flood", true));
  slow.read_until("\r\n\r\n");
  // The producer ends without its reader, and others are served meanwhile.
  EXPECT_TRUE(eventually([&] { return scripted_->tokens_made() >= 1'000'000; }, 20'000));
  scripted_->set("quick", {.n_tokens = 1});
  EXPECT_EQ(ask(chat("quick", false)).status, 200);
  const std::string all = slow.read_until("[DONE]");
  EXPECT_THAT(all, HasSubstr("999999"));  // and nothing of the answer is lost
}

TEST_F(OpenAiServerTest, HealthAndReadiness) {
  EXPECT_EQ(ask(get("/healthz")).status, 200);
  EXPECT_EQ(ask(get("/readyz")).status, 200);
  RawClient head(port());
  head.send("HEAD /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(head.read_response(true).status, 200);
  context_->draining = true;
  EXPECT_EQ(ask(get("/readyz")).status, 503);
  EXPECT_EQ(ask(get("/healthz")).status, 200);
}

TEST_F(OpenAiServerTest, AStreamThatTheServersEndCutsSaysSo) {
  RawClient client(port());
  client.send(chat("endless", true));
  client.read_until("data: ");
  std::thread stopper([&] { stop(50); });
  const std::string rest = client.read_to_end();
  stopper.join();
  EXPECT_THAT(rest, HasSubstr("data: {\"error\":{\"message\":\"the server is shutting down"));
  EXPECT_TRUE(eventually([&] { return scripted_->live() == 0; }));
}

// How late this machine lets a thread run: the worst of many short sleeps.
class Lateness {
 public:
  Lateness() : thread_([this] { run(); }) {}
  ~Lateness() {
    stop_ = true;
    thread_.join();
  }
  int64_t worst_lateness_ms() const { return worst_ms_; }

 private:
  void run() {
    while (!stop_) {
      const int64_t begin = now_ms();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      worst_ms_ = std::max<int64_t>(worst_ms_, now_ms() - begin);
    }
  }
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> worst_ms_ = 0;
  std::thread thread_;
};

size_t open_descriptors() {
  const std::filesystem::directory_iterator folder("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(folder), end(folder)));
}

// Clients leave at random moments: before the request is whole, while it is answered, after some
// chunks; by an orderly end or a reset. Every started answer is cancelled soon, nothing is left.
TEST_F(OpenAiServerTest, ThreeHundredClientsThatLeave) {
  constexpr int kClients = 300;
  const size_t descriptors = open_descriptors();
  const Lateness machine;
  std::atomic<int> next = 0;
  std::vector<int64_t> left_ms(kClients, 0);
  const auto leave_some = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (int i = next++; i < kClients; i = next++) {
      RawClient client(port());
      const std::string request = chat(fmt::format("c{}", i), i % 3 != 0, 1 + i % 2);
      const bool whole = random() % 8 != 0;
      client.send(whole ? request : request.substr(0, random() % request.size()));
      if (whole && i % 3 != 0) {
        for (unsigned n = random() % 20; n > 0; --n) client.read_until("\n\n");
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
      left_ms[i] = now_ms();
      random() % 2 ? client.close() : client.reset();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 6; ++seed) threads.emplace_back(leave_some, seed);
  for (auto& thread : threads) thread.join();

  EXPECT_TRUE(eventually([&] { return scripted_->live() == 0; }, 20'000));
  std::vector<int64_t> delays;
  for (int i = 0; i < kClients; ++i) {
    const std::string workload = fmt::format("c{}", i);
    if (!scripted_->saw(workload)) continue;
    const auto cancelled = scripted_->cancelled_at_ms(workload);
    ASSERT_TRUE(cancelled) << workload << " was never cancelled";
    delays.push_back(*cancelled - left_ms[i]);
  }
  ASSERT_GT(delays.size(), kClients / 2u);
  // Three threads have a part in it, and other programs may keep each of them waiting.
  const int64_t slowest_ms = *std::max_element(delays.begin(), delays.end());
  EXPECT_LE(slowest_ms, 200 + 3 * machine.worst_lateness_ms());
  RecordProperty("max_delay_ms", static_cast<int>(slowest_ms));
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= descriptors; }, 20'000));
  EXPECT_EQ(ask(get("/healthz")).status, 200);
}

}  // namespace
}  // namespace overtake
