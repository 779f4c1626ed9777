// The HTTP server against clients that are slow, rude, or gone.
#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "raw_client.h"

namespace overtake {
namespace {

using testing::get;
using testing::now_ms;
using testing::post;
using testing::RawClient;

// What the test handler has seen.
struct Seen {
  std::mutex mutex;
  std::vector<std::shared_ptr<HttpExchange>> held;
  std::vector<AccessRecord> records;
  std::atomic<int> gone = 0;
  std::atomic<int> stopping = 0;
  std::atomic<int> requests = 0;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void serve(HttpServerOptions options = {}) {
    options.port = 0;
    options.on_done = [this](const AccessRecord& record) {
      const std::lock_guard lock(seen_.mutex);
      seen_.records.push_back(record);
    };
    auto server = HttpServer::listen(options, [this](auto exchange) { handle(exchange); });
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    stop(0);
    seen_.held.clear();
    server_.reset();
  }
  void stop(int drain_ms) {
    if (!thread_.joinable()) return;
    server_->stop(drain_ms);
    thread_.join();
  }
  uint16_t port() const { return server_->port(); }

  void handle(std::shared_ptr<HttpExchange> exchange) {
    ++seen_.requests;
    const std::string& path = exchange->request().path;
    if (path == "/echo") {
      return exchange->send(200, "text/plain",
                            exchange->request().method + " " + exchange->request().body);
    }
    if (path == "/drop") return;
    if (path == "/flush") {
      exchange->start_stream(200, "text/plain");
      exchange->write("in two ");
      // Other handlers run before the flush that this write has asked for.
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      exchange->write("pieces");
      return exchange->end_stream();
    }
    if (path == "/header") {
      exchange->set_header("X-Test", "a\r\nInjected: b");
      return exchange->send(200, "text/plain", "");
    }
    exchange->on_gone([this] { ++seen_.gone; });
    exchange->on_stopping([this, weak = std::weak_ptr(exchange)] {
      ++seen_.stopping;
      if (const auto live = weak.lock()) live->send(503, "text/plain", "stopping");
    });
    if (path == "/stream") {
      exchange->start_stream(200, "text/event-stream");
      exchange->write("data: first\n\n");
    }
    const std::lock_guard lock(seen_.mutex);
    seen_.held.push_back(std::move(exchange));
  }
  std::shared_ptr<HttpExchange> held(size_t i) {
    for (int64_t limit = now_ms() + 20'000; now_ms() < limit; std::this_thread::yield()) {
      const std::lock_guard lock(seen_.mutex);
      if (seen_.held.size() > i) return seen_.held[i];
    }
    return nullptr;
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

  Seen seen_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersWithIdAndLength) {
  serve();
  RawClient client(port());
  const auto response = client.ask(post("/echo", "hello"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "POST hello");
  EXPECT_NE(response.head.find("\r\nx-request-id: "), std::string::npos);
  EXPECT_NE(response.head.find("\r\nDate: "), std::string::npos);
  EXPECT_NE(response.head.find("\r\nX-Content-Type-Options: nosniff"), std::string::npos);
}

TEST_F(HttpServerTest, KeepsConnectionsAndAnswersPipelinedRequestsInOrder) {
  serve();
  RawClient client(port());
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += post("/echo", std::to_string(i));
  ASSERT_TRUE(client.send(bytes));
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(client.read_response().body, "POST " + std::to_string(i));
  }
}

TEST_F(HttpServerTest, PipelinedRequestWaitsForTheRunningAnswer) {
  serve();
  RawClient client(port());
  ASSERT_TRUE(client.send(get("/hold") + post("/echo", "second")));
  const auto first = held(0);
  ASSERT_TRUE(first);
  std::thread([&] { first->send(200, "text/plain", "first"); }).join();
  EXPECT_EQ(client.read_response().body, "first");
  EXPECT_EQ(client.read_response().body, "POST second");
}

TEST_F(HttpServerTest, HeadHasTheHeadersOfGetAndNoBody) {
  serve();
  RawClient client(port());
  client.send("HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = client.read_response(/*head_only=*/true);
  EXPECT_NE(head.head.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(client.ask(post("/echo", "x")).body, "POST x");
}

TEST_F(HttpServerTest, SaysContinueWhenAskedAndOnlyForBodiesItWillTake) {
  serve();
  RawClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("abc").body, "POST abc");
  RawClient large(port());
  large.send(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(large.read_response().status, 413);
}

TEST_F(HttpServerTest, Http10IsClosedUnlessItAsksOtherwise) {
  serve();
  RawClient plain(port());
  EXPECT_EQ(plain.ask("GET /echo HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_TRUE(plain.ends_within(20'000));
  RawClient kept(port());
  const std::string request = "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_EQ(kept.ask(request).status, 200);
  EXPECT_EQ(kept.ask(request).status, 200);
  RawClient streaming(port());
  streaming.send("GET /stream HTTP/1.0\r\n\r\n");
  held(0)->end_stream();
  const std::string all = streaming.read_to_end();
  EXPECT_EQ(all.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(all.find("\r\n\r\ndata: first\n\n"), std::string::npos);
}

TEST_F(HttpServerTest, RefusesABodyBeforeItHasCome) {
  serve();
  RawClient client(port());
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n").status,
            413);
  // A client that goes on sending still reads the refusal, not a reset.
  RawClient eager(port());
  eager.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 4; ++i) eager.send(block);
  EXPECT_EQ(eager.read_response().status, 413);
  EXPECT_EQ(seen_.requests, 0);
  EXPECT_EQ(RawClient(port()).ask(post("/echo", "")).status, 200);
}

TEST_F(HttpServerTest, LivesOnAfterGarbage) {
  serve();
  for (const std::string& bytes :
       {std::string("\x16\x03\x01 garbage\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string(100'000, 'A'),
        std::string("GET / HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n")}) {
    RawClient client(port());
    client.send(bytes);
    const int status = client.read_response().status;
    EXPECT_TRUE(status == 400 || status == 431) << status;
    EXPECT_TRUE(client.ends_within(20'000));
  }
  EXPECT_EQ(RawClient(port()).ask(get("/echo")).status, 200);
}

TEST_F(HttpServerTest, RefusalsHaveTheBodyOfTheOperatorsChoice) {
  HttpServerOptions options;
  options.error_body = [](const HttpRefusal& refusal) {
    return "{\"status\":" + std::to_string(refusal.status) + "}";
  };
  serve(options);
  const auto response = RawClient(port()).ask("GET /.. HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "{\"status\":400}");
}

TEST_F(HttpServerTest, EndsSlowHeads) {
  HttpServerOptions options;
  options.header_timeout_ms = 200;
  serve(options);
  RawClient silent(port());
  RawClient slow(port());
  slow.send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    slow.send("X: y\r\n");
  }
  EXPECT_EQ(slow.read_response().status, 408);
  EXPECT_TRUE(silent.ends_within(20'000));
}

TEST_F(HttpServerTest, EndsStalledAndTricklingBodies) {
  HttpServerOptions options;
  options.body_timeout_ms = 200;
  options.min_body_bytes_per_s = 100'000;
  serve(options);
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
  RawClient stalled(port());
  stalled.send(head + "x");
  EXPECT_EQ(stalled.read_response().status, 408);
  RawClient trickling(port());
  trickling.send(head);
  const int64_t begin = now_ms();
  while (now_ms() - begin < 20'000 && trickling.send("x")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (trickling.ends_within(1)) break;
  }
  EXPECT_LT(now_ms() - begin, 20'000);
}

TEST_F(HttpServerTest, BoundsTheBodiesOfAllRequestsTogether) {
  HttpServerOptions options;
  options.max_buffered_bytes = 100'000;
  serve(options);
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n";
  RawClient first(port());
  first.send(head + std::string(80'000, 'x'));
  EXPECT_TRUE(eventually([&] {  // until the first's bytes are counted
    RawClient second(port());
    second.send(head + std::string(80'000, 'x'));
    second.send(std::string(10'000, 'x'));
    return second.read_response().status == 503;
  }));
  EXPECT_EQ(first.ask(std::string(10'000, 'x')).status, 200);
  EXPECT_EQ(RawClient(port()).ask(post("/echo", std::string(90'000, 'x'))).status, 200);
}

TEST_F(HttpServerTest, EndsIdleConnections) {
  HttpServerOptions options;
  options.idle_timeout_ms = 200;
  serve(options);
  RawClient client(port());
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
  EXPECT_TRUE(client.ends_within(20'000));
}

TEST_F(HttpServerTest, CancelsAnAnswerThatNobodyReads) {
  HttpServerOptions options;
  options.write_timeout_ms = 300;
  serve(options);
  RawClient client(port(), /*receive_buffer=*/4096);
  client.send(get("/stream"));
  const auto exchange = held(0);
  ASSERT_TRUE(exchange);
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 32; ++i) exchange->write(piece);
  EXPECT_TRUE(eventually([&] { return exchange->pending_bytes() > 0; }));
  EXPECT_TRUE(eventually([&] { return seen_.gone == 1; }));
  EXPECT_EQ(exchange->pending_bytes(), 0u);
}

// The clock of a stalled write must not run before the first byte was offered.
TEST_F(HttpServerTest, NoDeadlineStrikesBetweenAnAnswerAndItsFlush) {
  HttpServerOptions options;
  options.write_timeout_ms = 1;  // the clocks are looked at every 10 ms
  serve(options);
  std::vector<std::thread> clients;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        RawClient client(port());
        client.send(get("/flush"));
        if (client.read_response().body != "in two pieces") ++failed;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(failed, 0);
}

TEST_F(HttpServerTest, TellsWhenTheClientHasTakenEverything) {
  serve();
  RawClient client(port(), /*receive_buffer=*/4096);
  client.send(get("/stream"));
  const auto exchange = held(0);
  ASSERT_TRUE(exchange);
  std::atomic<int> drained = 0;
  exchange->on_drained([&] { ++drained; });
  for (int i = 0; i < 16; ++i) exchange->write(std::string(1 << 20, 'x'));
  exchange->end_stream();
  EXPECT_EQ(client.read_response().body.size(), 13 + (16u << 20));
  EXPECT_TRUE(eventually([&] { return exchange->pending_bytes() == 0; }));
}

TEST_F(HttpServerTest, HearsOfClientsThatLeaveWhileNothingIsWritten) {
  serve();
  for (int i = 0; i < 20; ++i) {
    RawClient client(port());
    client.send(i % 2 ? get("/hold") : get("/stream"));
    ASSERT_TRUE(held(i));
    i % 4 < 2 ? client.close() : client.reset();
    EXPECT_TRUE(eventually([&] { return seen_.gone == i + 1; })) << i;
  }
}

TEST_F(HttpServerTest, SendingToAClientThatLeftDoesNothing) {
  serve();
  RawClient client(port());
  client.send(get("/hold"));
  const auto exchange = held(0);
  client.close();
  ASSERT_TRUE(eventually([&] { return seen_.gone == 1; }));
  exchange->send(200, "text/plain", "late");
  exchange->write("late");
  exchange->end_stream();
  std::atomic<bool> late = false;
  exchange->on_gone([&] { late = true; });
  EXPECT_TRUE(eventually([&] { return late.load(); }));
}

TEST_F(HttpServerTest, AnswersARequestThatItsHandlerForgot) {
  serve();
  EXPECT_EQ(RawClient(port()).ask(get("/drop")).status, 500);
}

TEST_F(HttpServerTest, HeadersCanNotBeInjected) {
  serve();
  const auto response = RawClient(port()).ask(get("/header"));
  EXPECT_NE(response.head.find("X-Test: aInjected: b\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, RefusesConnectionsAboveTheLimit) {
  HttpServerOptions options;
  options.max_connections = 3;
  serve(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(port());
    EXPECT_EQ(clients.back().ask(get("/echo")).status, 200);
  }
  const auto refused = RawClient(port()).ask(get("/echo"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.head.find("Retry-After: 1"), std::string::npos);
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return RawClient(port()).ask(get("/echo")).status == 200; }));
}

TEST_F(HttpServerTest, StopLetsRunningAnswersFinish) {
  serve();
  RawClient idle(port());
  EXPECT_EQ(idle.ask(get("/echo")).status, 200);
  RawClient busy(port());
  busy.send(get("/hold"));
  const auto exchange = held(0);
  ASSERT_TRUE(exchange);
  std::thread stopper([&] { stop(5000); });
  EXPECT_TRUE(idle.ends_within(20'000));
  exchange->send(200, "text/plain", "done");
  const auto response = busy.read_response();
  EXPECT_EQ(response.body, "done");
  EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
  busy.close();
  stopper.join();
  EXPECT_FALSE(RawClient(port()).connected());
}

TEST_F(HttpServerTest, StopGivesLateAnswersALastWord) {
  serve();
  RawClient client(port());
  client.send(get("/hold"));
  ASSERT_TRUE(held(0));
  const int64_t begin = now_ms();
  std::thread stopper([&] { stop(100); });
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "stopping");
  client.close();
  stopper.join();
  EXPECT_EQ(seen_.stopping, 1);
  EXPECT_LT(now_ms() - begin, 20'000);
}

TEST_F(HttpServerTest, StopEndsEvenIfAnAnswerNeverDoes) {
  serve();
  RawClient client(port());
  client.send(get("/stream"));
  ASSERT_TRUE(held(0));
  held(0)->on_stopping({});
  const int64_t begin = now_ms();
  stop(100);
  EXPECT_LT(now_ms() - begin, 20'000);
  EXPECT_EQ(seen_.gone, 1);
}

TEST_F(HttpServerTest, RecordsWhatWasAnswered) {
  serve();
  RawClient client(port());
  EXPECT_EQ(client.ask(get("/echo")).status, 200);
  client.send(get("/hold"));
  ASSERT_TRUE(held(0));
  held(0)->note("tokens=3");
  client.close();
  ASSERT_TRUE(eventually([&] { return seen_.gone == 1; }));
  const std::lock_guard lock(seen_.mutex);
  ASSERT_EQ(seen_.records.size(), 2u);
  EXPECT_EQ(seen_.records[0].path, "/echo");
  EXPECT_EQ(seen_.records[0].status, 200);
  EXPECT_TRUE(seen_.records[0].complete);
  EXPECT_EQ(seen_.records[1].status, 499);
  EXPECT_EQ(seen_.records[1].note, "tokens=3");
  EXPECT_FALSE(seen_.records[1].complete);
}

TEST(HttpServerListen, SaysThatAPortIsTaken) {
  HttpServerOptions options;
  options.port = 0;
  const auto first = HttpServer::listen(options, [](auto) {});
  ASSERT_TRUE(first.ok());
  options.port = first.value()->port();
  const auto second = HttpServer::listen(options, [](auto) {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find("--port"), std::string::npos);
  options.host = "example.org";
  EXPECT_FALSE(HttpServer::listen(options, [](auto) {}).ok());
}

}  // namespace
}  // namespace overtake
