// Anthropic's models from the client's socket to a scripted upstream's and back.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/json.h"
#include "engine/null_generator.h"
#include "provider/remote/upstreams.h"
#include "raw_client.h"
#include "server/router.h"
#include "tests/scripted_server.h"

namespace overtake {
namespace {

using testing::now_ms;
using testing::post;
using testing::RawClient;
using testing::ScriptedServer;
using Exchange = ScriptedServer::Exchange;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "sk-ant-test-0123456789";

std::string event(const std::string& type, const std::string& members = "") {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + members + "}\n\n";
}
const std::string kBegin =
    event("message_start",
          R"(,"message":{"id":"msg_9","type":"message","role":"assistant","model":"claude-x",)"
          R"("content":[],"usage":{"input_tokens":7,"cache_read_input_tokens":4,)"
          R"("output_tokens":1}})") +
    event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})") +
    event("content_block_delta", R"(,"index":0,"delta":{"type":"text_delta","text":"Hello"})");
const std::string kEnd =
    event("content_block_stop", ",\"index\":0") +
    event("message_delta", R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2})") +
    event("message_stop");

bool stream(const Exchange& e, const std::string& events) {
  return e.answer(200, "Content-Type: text/event-stream; charset=utf-8\r\n", events);
}
bool refuse(const Exchange& e, int status, const std::string& type, const std::string& message) {
  return e.answer(
      status, "Content-Type: application/json\r\nrequest-id: r\r\n",
      R"({"type":"error","error":{"type":")" + type + R"(","message":")" + message + "\"}}");
}

// An upstream with a script, an Overtake before it.
class Claude {
 public:
  explicit Claude(ScriptedServer::Handler handler) : upstream_(std::move(handler)) {
    auto context = std::make_shared<ServerContext>();
    auto upstreams = Upstreams::from(
        {{"ANTHROPIC_API_KEY", kKey}, {"ANTHROPIC_BASE_URL", upstream_.url("")}},
        {.connect_timeout_ms = 2000, .silence_timeout_ms = 2000, .retry_delay_ms = 10});
    EXPECT_TRUE(upstreams.ok()) << upstreams.error().message;
    context->upstreams = *upstreams;
    context->generators = {make_null_generator()};
    context->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    auto server = HttpServer::listen(options, make_router(std::move(context)));
    EXPECT_TRUE(server.ok());
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Claude() {
    server_->stop(0);
    thread_.join();
  }
  RawClient::Response ask(const std::string& bytes) { return RawClient(port()).ask(bytes); }
  uint16_t port() const { return server_->port(); }
  ScriptedServer& upstream() { return upstream_; }

 private:
  ScriptedServer upstream_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

std::string message(bool streamed, const std::string& more = "",
                    const std::string& path = "/v1/messages") {
  return post(path, fmt::format(R"({{"model":"anthropic/claude-x","max_tokens":9,"stream":{},)"
                                R"("messages":[{{"role":"user","content":"hi"}}]{}}})",
                                streamed, more));
}
std::string chat(const std::string& more = "") {
  return post("/v1/chat/completions", R"({"model":"anthropic/claude-x","messages":)"
                                      R"([{"role":"user","content":"hi"}])" +
                                          more + "}");
}

TEST(AnthropicUpstream, AnswersInEveryDialectAndShowsTheKeyInItsOwnHeader) {
  std::string body;
  Claude claude([&](const Exchange& e) {
    body = e.body;
    return stream(e, kBegin + kEnd);
  });
  const Json plain = Json::parse(claude.ask(message(false)).body);
  EXPECT_EQ(plain["content"][0]["text"], "Hello");
  EXPECT_EQ(plain["usage"]["input_tokens"], 7);
  EXPECT_EQ(plain["usage"]["cache_read_input_tokens"], 4);
  EXPECT_EQ(Json::parse(body)["model"], "claude-x");
  EXPECT_EQ(Json::parse(body)["max_tokens"], 9);
  const auto streamed = claude.ask(message(true));
  EXPECT_THAT(streamed.body, HasSubstr("event: message_stop"));
  const Json completion = Json::parse(claude.ask(chat()).body);
  EXPECT_EQ(completion["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(completion["usage"]["prompt_tokens"], 11);
  EXPECT_EQ(Json::parse(body)["max_tokens"], 32'000);
  for (const std::string& head : claude.upstream().heads()) {
    EXPECT_THAT(head, HasSubstr("POST /v1/messages HTTP/1.1"));
    EXPECT_THAT(head, HasSubstr(std::string("x-api-key: ") + kKey));
    EXPECT_THAT(head, HasSubstr("anthropic-version: 2023-06-01"));
    EXPECT_THAT(head, Not(HasSubstr("Authorization")));
  }
}

TEST(AnthropicUpstream, TheClientsBetasGoAlongAndNoOtherHeaderOfIts) {
  Claude claude([&](const Exchange& e) {
    if (e.path().ends_with("count_tokens")) {
      return e.answer(200, "Content-Type: application/json\r\n", R"({"input_tokens":42})");
    }
    return stream(e, kBegin + kEnd);
  });
  const std::string body =
      R"({"model":"anthropic/claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]})";
  const std::string headers =
      "Anthropic-Beta: one-2025-01-01, two\r\nanthropic-beta: three\r\nx-other: secret\r\n";
  EXPECT_EQ(claude.ask(post("/v1/messages", body, headers)).status, 200);
  EXPECT_EQ(claude.ask(post("/v1/messages/count_tokens", body, headers)).status, 200);
  for (const std::string& head : claude.upstream().heads()) {
    EXPECT_THAT(head, HasSubstr("anthropic-beta: one-2025-01-01,two,three\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("secret")));
  }
  EXPECT_EQ(claude.ask(message(false)).status, 200);
  EXPECT_THAT(claude.upstream().heads().back(), Not(HasSubstr("anthropic-beta")));
  const auto refused = claude.ask(post("/v1/messages", body, "anthropic-beta: a b\r\n"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("anthropic-beta: expected"));
  // Another dialect's clients have no betas of Anthropic's.
  const std::string chat_body =
      R"({"model":"anthropic/claude-x","messages":[{"role":"user","content":"hi"}]})";
  EXPECT_EQ(claude.ask(post("/v1/chat/completions", chat_body, headers)).status, 200);
  EXPECT_THAT(claude.upstream().heads().back(), Not(HasSubstr("anthropic-beta")));
}

TEST(AnthropicUpstream, CountsTokensAndServesOthersMeanwhile) {
  std::atomic<bool> go = false;
  std::string path, body;
  Claude claude([&](const Exchange& e) {
    path = e.path();
    body = e.body;
    while (!go && !e.stopping) e.sleep_ms(10);
    return e.answer(200, "Content-Type: application/json\r\n", R"({"input_tokens":42})");
  });
  RawClient waiting(claude.port());
  waiting.send(message(false, "", "/v1/messages/count_tokens"));
  const auto other =
      claude.ask(post("/v1/messages/count_tokens", R"({"model":"null","messages":[{"role":"user",)"
                                                   R"("content":"hi"}]})"));
  EXPECT_EQ(other.body, R"({"input_tokens":1})");
  go = true;
  EXPECT_THAT(waiting.read_until("42}"), HasSubstr(R"({"input_tokens":42})"));
  EXPECT_EQ(path, "/v1/messages/count_tokens");
  EXPECT_FALSE(Json::parse(body).contains("max_tokens"));
  const auto gemini = claude.ask(post("/v1beta/models/anthropic/claude-x:countTokens",
                                      R"({"contents":[{"parts":[{"text":"hi"}]}]})"));
  EXPECT_EQ(gemini.body, R"({"totalTokens":42})");
}

TEST(AnthropicUpstream, ACountThatFailsIsAnError) {
  Claude claude(
      [](const Exchange& e) { return refuse(e, 404, "not_found_error", "no such model"); });
  const auto missing = claude.ask(message(false, "", "/v1/messages/count_tokens"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("no such model"));
  Claude broken([](const Exchange& e) { return e.answer(200, "", "{}"); });
  EXPECT_EQ(broken.ask(message(false, "", "/v1/messages/count_tokens")).status, 502);
}

TEST(AnthropicUpstream, FaultsReachTheClientInItsDialect) {
  const struct {
    int status;
    const char* type;
    std::string message;
    int seen;
  } faults[] = {{400, "invalid_request_error", "no such field", 400},
                {401, "authentication_error", std::string("bad ") + kKey, 502},
                {404, "not_found_error", "no such model", 404},
                {429, "rate_limit_error", "slow down", 429},
                {500, "api_error", "oops", 502},
                {529, "overloaded_error", "Overloaded", 503}};
  for (const auto& fault : faults) {
    Claude claude(
        [&](const Exchange& e) { return refuse(e, fault.status, fault.type, fault.message); });
    for (const auto& response : {claude.ask(message(true)), claude.ask(chat())}) {
      EXPECT_EQ(response.status, fault.seen) << response.body;
      EXPECT_THAT(response.head + response.body, Not(HasSubstr(kKey)));
    }
  }
  Claude claude([](const Exchange& e) {
    return refuse(e, 400, "invalid_request_error", "prompt is too long: 9 tokens > 5 maximum");
  });
  EXPECT_EQ(Json::parse(claude.ask(chat()).body)["error"]["code"], "context_length_exceeded");
}

TEST(AnthropicUpstream, WhatItCanNotSayIsRefusedBeforeItIsAsked) {
  Claude claude([](const Exchange& e) { return stream(e, kBegin + kEnd); });
  for (const auto& [member, field] : std::vector<std::pair<std::string, std::string>>{
           {R"(,"seed":5)", "seed"},
           {R"(,"logprobs":true)", "logprobs"},
           {R"(,"presence_penalty":1)", "presence_penalty"},
           {R"(,"response_format":{"type":"json_object"})", "response_format"},
           {R"(,"temperature":1.5)", "temperature"}}) {
    const auto response = claude.ask(chat(member));
    EXPECT_EQ(response.status, 400) << member;
    EXPECT_THAT(response.body, HasSubstr(field)) << member;
  }
  EXPECT_TRUE(claude.upstream().heads().empty());
}

TEST(AnthropicUpstream, BrokenStreamsAreErrorsAndNeverShortSuccesses) {
  const std::string error =
      event("error", R"(,"error":{"type":"overloaded_error","message":"Overloaded"})");
  for (const std::string& rest : {std::string(), error, std::string("event: x\ndata: {oops\n\n"),
                                  kEnd.substr(0, kEnd.find("event: message_stop"))}) {
    Claude claude([&](const Exchange& e) { return stream(e, kBegin + rest); });
    const auto streamed = claude.ask(message(true));
    EXPECT_THAT(streamed.body, HasSubstr("Hello"));
    EXPECT_THAT(streamed.body, HasSubstr("event: error"));
    EXPECT_THAT(streamed.body, Not(HasSubstr("event: message_stop")));
    EXPECT_GE(claude.ask(message(false)).status, 502);
  }
}

TEST(AnthropicUpstream, CancelReachesTheUpstream) {
  std::atomic<int64_t> noticed_ms = 0;
  Claude claude([&](const Exchange& e) {
    e.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
        fmt::format("{:x}\r\n{}\r\n", kBegin.size(), kBegin));
    char byte;
    pollfd wait{e.fd, POLLIN, 0};
    while (!e.stopping && ::poll(&wait, 1, 5) == 0) {
    }
    if (::recv(e.fd, &byte, 1, 0) <= 0) noticed_ms = now_ms();
    return false;
  });
  RawClient client(claude.port());
  client.send(message(true));
  client.read_until("Hello");
  const int64_t left_ms = now_ms();
  client.close();
  for (int i = 0; i < 400 && noticed_ms == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_NE(noticed_ms, 0);
  EXPECT_LT(noticed_ms - left_ms, 200);
}

TEST(AnthropicUpstream, ListsItsModels) {
  ScriptedServer upstream([](const Exchange& e) {
    const bool good = e.path() == "/v1/models?limit=1000" &&
                      e.header("anthropic-version") == "2023-06-01" &&
                      e.header("x-api-key") == kKey;
    return good ? e.answer(200, "", R"({"data":[{"type":"model","id":"claude-x"}]})")
                : refuse(e, 400, "invalid_request_error", "bad");
  });
  const auto made =
      Upstreams::from({{"ANTHROPIC_API_KEY", kKey}, {"ANTHROPIC_BASE_URL", upstream.url("/")}});
  ASSERT_TRUE(made.ok());
  for (const auto& each : (*made)->all()) {
    if (each->name != "anthropic") continue;
    const auto models = (*made)->list(*each);
    ASSERT_TRUE(models.ok()) << models.error().message;
    EXPECT_THAT(*models, ::testing::ElementsAre("claude-x"));
  }
}

}  // namespace
}  // namespace overtake
