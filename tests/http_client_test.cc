#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/scripted_server.h"

namespace overtake {
namespace {

using overtake::testing::ScriptedServer;
using ::testing::HasSubstr;
using Exchange = ScriptedServer::Exchange;
using Clock = std::chrono::steady_clock;

int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

struct Answer {
  HttpResponseHead head;
  std::string body;
  std::optional<Status> done;
  std::unique_ptr<HttpCall> call;
};

// A client on a loop that the test runs until all it has asked has ended.
class HttpClientTest : public ::testing::Test {
 public:
  void TestBody() override {}

 protected:
  std::shared_ptr<Answer> ask(HttpClientRequest request) {
    auto answer = std::make_shared<Answer>();
    ++n_open_;
    answer->call =
        client_.start(std::move(request),
                      {.head = [answer](const HttpResponseHead& head) { answer->head = head; },
                       .body = [answer](std::string_view part) { answer->body += part; },
                       .done =
                           [this, answer](Status status) {
                             answer->done = std::move(status);
                             if (--n_open_ == 0) loop_.stop();
                           }});
    return answer;
  }
  void run(int limit_ms = 10'000) {
    loop_.after(limit_ms, [this] { loop_.stop(); });
    loop_.run();
  }
  // The answer to one request, ended. A loop runs once, so each has its own.
  static std::shared_ptr<Answer> get(HttpClientRequest request) {
    HttpClientTest one;
    const auto answer = one.ask(std::move(request));
    one.run();
    EXPECT_TRUE(answer->done.has_value());
    if (!answer->done) answer->done = Error{ErrorCode::kInternal, "never ended"};
    return answer;
  }

  HttpClientTest() { overtake::testing::forget_proxies(); }

  EventLoop loop_;
  HttpClient client_{loop_};
  int n_open_ = 0;
};

TEST_F(HttpClientTest, HeadBodyAndEndArrive) {
  ScriptedServer server([](const Exchange& e) {
    return e.answer(201, "X-Test:  some value \r\nETag: \"a\"\r\n", "hello " + e.body);
  });
  const auto answer = get({.method = "POST",
                           .url = server.url("/path?q=1"),
                           .headers = {{"Authorization", "Bearer k"}},
                           .body = "world"});
  ASSERT_TRUE(answer->done->ok()) << answer->done->error().message;
  EXPECT_EQ(answer->head.status, 201);
  EXPECT_EQ(answer->head.header("x-test"), "some value");
  EXPECT_FALSE(answer->head.peer_is_public);
  EXPECT_EQ(answer->body, "hello world");
  EXPECT_THAT(server.heads()[0], HasSubstr("POST /path?q=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.heads()[0], HasSubstr("Authorization: Bearer k\r\n"));
}

TEST_F(HttpClientTest, BodyComesAsItIsSent) {
  ScriptedServer server([](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    e.sleep_ms(10'000);
    return false;
  });
  std::unique_ptr<HttpCall> call;
  std::string body;
  const auto start = Clock::now();
  call = client_.start({.url = server.url("/")}, {.body = [&](std::string_view part) {
                         body += part;
                         loop_.stop();
                       }});
  run();
  EXPECT_EQ(body, "one");
  EXPECT_LT(ms_since(start), 5000);
}

TEST_F(HttpClientTest, ConnectionsAreKept) {
  ScriptedServer server([](const Exchange& e) { return e.answer(200, "", "x"); });
  std::unique_ptr<HttpCall> call;
  int n_done = 0;
  std::function<void(Status)> next = [&](Status status) {
    EXPECT_TRUE(status.ok());
    if (++n_done == 5) return loop_.stop();
    call = client_.start({.url = server.url("/")}, {.done = next});
  };
  call = client_.start({.url = server.url("/")}, {.done = next});
  run();
  EXPECT_EQ(n_done, 5);
  EXPECT_EQ(server.n_connections(), 1);
}

TEST_F(HttpClientTest, ManyRunAtOnce) {
  ScriptedServer server([](const Exchange& e) {
    e.sleep_ms(200);
    return e.answer(200, "", e.path());
  });
  const auto start = Clock::now();
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(ask({.url = server.url("/" + std::to_string(i))}));
  run();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answers[i]->body, "/" + std::to_string(i));
  EXPECT_LT(ms_since(start), 2000);  // one after the other: 4 s
}

TEST_F(HttpClientTest, RedirectsAreAnswersAndNotFollowed) {
  ScriptedServer server([](const Exchange& e) { return e.answer(302, "Location: /b\r\n", ""); });
  const auto answer = get({.url = server.url("/a")});
  EXPECT_TRUE(answer->done->ok());
  EXPECT_EQ(answer->head.status, 302);
  EXPECT_EQ(answer->head.header("Location"), "/b");
  EXPECT_EQ(server.heads().size(), 1u);
}

TEST_F(HttpClientTest, BodyShorterThanAnnouncedIsAnError) {
  ScriptedServer server([](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    return false;
  });
  const auto answer = get({.url = server.url("/")});
  ASSERT_FALSE(answer->done->ok());
  EXPECT_EQ(answer->done->error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answer->body, "only this");
}

TEST_F(HttpClientTest, BodyBeyondTheAnnouncedLengthIsNotRead) {
  ScriptedServer server([](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefgh");
    return false;
  });
  EXPECT_EQ(get({.url = server.url("/")})->body, "abc");
}

TEST_F(HttpClientTest, ResetInTheBodyIsAnError) {
  ScriptedServer server([](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    e.sleep_ms(50);
    e.reset();
    return false;
  });
  EXPECT_EQ(get({.url = server.url("/")})->done->error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpClientTest, WhatIsNotHttpIsDamaged) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "\x16\x03\x01garbage", "HTTP/9.9 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"}) {
    ScriptedServer server([&](const Exchange& e) {
      e.send(bytes);
      return false;
    });
    EXPECT_FALSE(get({.url = server.url("/")})->done->ok()) << bytes;
  }
}

TEST_F(HttpClientTest, HeadIsBounded) {
  for (const bool one_line : {true, false}) {
    ScriptedServer server([&](const Exchange& e) {
      e.send("HTTP/1.1 200 OK\r\n");
      std::string more = one_line ? "X: " + std::string(1 << 20, 'x') : "";
      for (int i = 0; !one_line && i < 10'000; ++i) more += "X-" + std::to_string(i) + ": y\r\n";
      e.send(more);
      e.sleep_ms(5000);
      return false;
    });
    const auto start = Clock::now();
    const auto answer = get({.url = server.url("/"), .max_header_bytes = 32 << 10});
    EXPECT_EQ(answer->done->error().code, ErrorCode::kDamaged) << answer->done->error().message;
    EXPECT_LT(ms_since(start), 3000);
  }
}

TEST_F(HttpClientTest, SilenceBeforeTheHeadIsADeadline) {
  ScriptedServer server([](const Exchange& e) {
    e.sleep_ms(10'000);
    return false;
  });
  const auto start = Clock::now();
  const auto answer = get({.url = server.url("/"), .first_byte_timeout_ms = 300});
  EXPECT_EQ(answer->done->error().code, ErrorCode::kDeadline);
  EXPECT_GE(ms_since(start), 300);
  EXPECT_LT(ms_since(start), 3000);
}

TEST_F(HttpClientTest, SilenceInTheBodyIsADeadlineButSlownessIsNot) {
  ScriptedServer server([](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 8; ++i) {
      e.send("x");
      e.sleep_ms(100);
    }
    e.sleep_ms(10'000);
    return false;
  });
  const auto answer = get({.url = server.url("/"), .silence_timeout_ms = 600});
  EXPECT_EQ(answer->done->error().code, ErrorCode::kDeadline);
  EXPECT_EQ(answer->body, "xxxxxxxx");
}

TEST_F(HttpClientTest, TimeInWhichTheLoopIsDeafIsNotItsPeersSilence) {
  ScriptedServer server([](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx");
    e.sleep_ms(900);
    return e.send("y");
  });
  const auto answer = ask({.url = server.url("/"), .silence_timeout_ms = 500});
  loop_.after(100, [] { std::this_thread::sleep_for(std::chrono::milliseconds(700)); });
  run();
  ASSERT_TRUE(answer->done && answer->done->ok());
  EXPECT_EQ(answer->body, "xy");
}

TEST_F(HttpClientTest, ConnectTimeoutCoversTheHandshake) {
  ScriptedServer server([](const Exchange&) { return false; });  // never answers a ClientHello
  const auto start = Clock::now();
  const auto answer = get({.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/",
                           .connect_timeout_ms = 300});
  EXPECT_EQ(answer->done->error().code, ErrorCode::kDeadline) << answer->done->error().message;
  EXPECT_LT(ms_since(start), 3000);
}

TEST_F(HttpClientTest, NobodyListeningIsUnavailable) {
  uint16_t port;
  {
    ScriptedServer server([](const Exchange&) { return false; });
    port = server.port();
  }
  const auto answer = get({.url = "http://127.0.0.1:" + std::to_string(port) + "/"});
  EXPECT_EQ(answer->done->error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpClientTest, CancelledRequestEndsItsConnectionWithin200Ms) {
  std::atomic<bool> gone = false;
  ScriptedServer server([&](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    pollfd one{e.fd, POLLIN, 0};
    char byte;
    gone = ::poll(&one, 1, 5000) == 1 && ::recv(e.fd, &byte, 1, 0) == 0;
    return false;
  });
  bool done = false;
  Clock::time_point start;
  auto call = client_.start({.url = server.url("/")}, {.done = [&](Status) { done = true; }});
  loop_.after(100, [&] {
    start = Clock::now();
    call.reset();
  });
  std::function<void()> look = [&] { gone ? loop_.stop() : loop_.after(5, look); };
  loop_.after(105, look);
  run();
  EXPECT_TRUE(gone);
  EXPECT_LT(ms_since(start), 200);
  EXPECT_FALSE(done);
}

TEST_F(HttpClientTest, CancellingWithinItsOwnCallbackIsSafe) {
  ScriptedServer server(
      [](const Exchange& e) { return e.answer(200, "", std::string(1 << 20, 'x')); });
  std::unique_ptr<HttpCall> call;
  int n_parts = 0;
  call = client_.start({.url = server.url("/")}, {.body =
                                                      [&](std::string_view) {
                                                        ++n_parts;
                                                        call.reset();
                                                        loop_.after(100, [&] { loop_.stop(); });
                                                      },
                                                  .done = [&](Status) { ADD_FAILURE(); }});
  run();
  EXPECT_EQ(n_parts, 1);
}

TEST_F(HttpClientTest, PausedReaderHoldsTheServerBack) {
  std::atomic<size_t> sent = 0;
  constexpr size_t kTotal = 64 << 20;
  ScriptedServer server([&](const Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kTotal) + "\r\n\r\n");
    const std::string piece(1 << 16, 'x');
    while (sent < kTotal && e.send(piece)) sent += piece.size();
    return false;
  });
  size_t received = 0;
  bool done = false;
  std::unique_ptr<HttpCall> call;
  call = client_.start({.url = server.url("/"), .silence_timeout_ms = 100},
                       {.body =
                            [&](std::string_view part) {
                              if (received == 0) call->pause();
                              received += part.size();
                            },
                        .done =
                            [&](Status status) {
                              done = status.ok();
                              loop_.stop();
                            }});
  loop_.after(500, [&] {
    EXPECT_LT(sent, kTotal / 2);
    EXPECT_LT(received, kTotal / 4);
    call->resume();
  });
  run();
  EXPECT_TRUE(done);
  EXPECT_EQ(received, kTotal);
}

TEST_F(HttpClientTest, BadRequestsAreRefusedWithoutShowingSecrets) {
  for (HttpClientRequest& request : std::vector<HttpClientRequest>{
           {.url = "file:///etc/passwd"},
           {.url = "http://127.0.0.1/", .headers = {{"Authorization", "Bearer secret\r\nX: y"}}},
           {.url = "http://127.0.0.1/", .headers = {{"A b", "c"}}},
           {.method = "GET /x", .url = "http://127.0.0.1/"}}) {
    const auto answer = get(std::move(request));
    EXPECT_EQ(answer->done->error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(answer->done->error().message, ::testing::Not(HasSubstr("secret")));
  }
}

TEST_F(HttpClientTest, PrivateAddressesCanBeForbidden) {
  ScriptedServer server([](const Exchange& e) { return e.answer(200, "", "x"); });
  for (const std::string host : {"127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "0"}) {
    const auto answer = get({.url = "http://" + host + ":" + std::to_string(server.port()) + "/",
                             .public_addresses_only = true});
    ASSERT_FALSE(answer->done->ok()) << host;
    EXPECT_EQ(answer->done->error().code, ErrorCode::kPermissionDenied)
        << host << ": " << answer->done->error().message;
  }
  EXPECT_TRUE(server.heads().empty());
}

TEST_F(HttpClientTest, ClientMayGoWhileRequestsRun) {
  ScriptedServer server([](const Exchange& e) {
    e.sleep_ms(5000);
    return false;
  });
  EventLoop loop;
  auto client = std::make_unique<HttpClient>(loop);
  auto call = client->start({.url = server.url("/")}, {.done = [](Status) { ADD_FAILURE(); }});
  loop.after(50, [&] { client.reset(); });
  loop.after(100, [&] { loop.stop(); });
  loop.run();
}

}  // namespace
}  // namespace overtake
