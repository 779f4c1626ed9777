// Anthropic's endpoints over a scripted generator: answers, refusals, failures, and which errors
// have Anthropic's shape.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/json.h"
#include "engine/null_generator.h"
#include "raw_client.h"
#include "scripted_generator.h"
#include "server/reply.h"
#include "server/router.h"

namespace overtake {
namespace {

using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::post;
using testing::RawClient;
using testing::ScriptedGenerator;

constexpr const char* kMessages = "/v1/messages";
constexpr const char* kCount = "/v1/messages/count_tokens";
constexpr const char* kVersion = "anthropic-version: 2023-06-01\r\n";

class AnthropicServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    scripted_->set_features(kLocalFeatures.with({Feature::kTools}));
    context_->generators = {scripted_, make_null_generator()};
    context_->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    options.max_body_bytes = 10'000;
    options.error_body = refusal_body;
    auto server = HttpServer::listen(options, make_router(context_));
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    server_->stop(0);
    thread_.join();
  }
  RawClient::Response ask(const std::string& bytes) {
    return RawClient(server_->port()).ask(bytes);
  }
  // The error's type, of an answer in Anthropic's shape.
  static std::string error_type(const RawClient::Response& response) {
    const Json body = Json::parse(response.body, nullptr, false);
    if (!body.is_object() || !body.contains("type") || body["type"] != "error") {
      return "not Anthropic's: " + response.body;
    }
    EXPECT_FALSE(body["request_id"].get<std::string>().empty());
    EXPECT_FALSE(body["error"]["message"].get<std::string>().empty());
    return body["error"]["type"];
  }
  static std::string body_of(const std::string& workload, bool stream,
                             const std::string& more = "") {
    return fmt::format(R"({{"model":"scripted","max_tokens":9,"messages":[{{"role":"user",)"
                       R"("content":"hi"}}],"stream":{},"metadata":{{"workload":"{}"}}{}}})",
                       stream, workload, more);
  }

  std::shared_ptr<ScriptedGenerator> scripted_ = std::make_shared<ScriptedGenerator>();
  std::shared_ptr<ServerContext> context_ = std::make_shared<ServerContext>();
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(AnthropicServerTest, Answers) {
  scripted_->set("three", {.n_tokens = 3});
  for (const char* path : {kMessages, "/v1/messages?beta=true"}) {
    const auto response = ask(post(path, body_of("three", false), kVersion));
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_THAT(response.head, HasSubstr("request-id: "));
    const Json body = Json::parse(response.body);
    EXPECT_EQ(body["content"][0]["text"], " 0 1 2");
    EXPECT_EQ(body["model"], "scripted");
    EXPECT_TRUE(body["id"].get<std::string>().starts_with("msg_"));
    EXPECT_EQ(body["usage"]["output_tokens"], 3);
  }
}

TEST_F(AnthropicServerTest, AnyVersionAndAnyKeyAreFine) {
  scripted_->set("one", {.n_tokens = 1});
  for (const char* header : {"", "anthropic-version: 2099-12-31\r\n", "x-api-key: sk-ant-x\r\n",
                             "Authorization: Bearer x\r\nanthropic-beta: a,b\r\n"}) {
    EXPECT_EQ(ask(post(kMessages, body_of("one", false), header)).status, 200) << header;
  }
}

TEST_F(AnthropicServerTest, StreamsThoughtsTextAndCalls) {
  scripted_->set("all",
                 {.n_tokens = 2,
                  .first = {ReasoningEvent{"hm", {}, {}, {}}, ReasoningEvent{"", "sig", {}, {}},
                            TextEvent{"so", {}}, ToolEvent{0, "t1", "f", "{\"a\":1}", {}}},
                  .finished = {FinishReason::kToolCalls, {}, {}}});
  const auto response = ask(post(kMessages, body_of("all", true), kVersion));
  ASSERT_EQ(response.status, 200);
  EXPECT_THAT(response.head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(response.head, HasSubstr("request-id: "));
  size_t at = 0;  // in this order
  for (const char* text :
       {"event: message_start\n", "\"type\":\"thinking\"", "thinking_delta", "signature_delta",
        "event: content_block_stop\n", "\"type\":\"text\"", "text_delta", "\"type\":\"tool_use\"",
        "input_json_delta", "event: message_delta\n", "\"stop_reason\":\"tool_use\"",
        "event: message_stop\n"}) {
    at = response.body.find(text, at);
    ASSERT_NE(at, std::string::npos) << text << " in " << response.body;
  }
  EXPECT_THAT(response.body, Not(HasSubstr("[DONE]")));
}

TEST_F(AnthropicServerTest, AFailureInAStreamIsAnErrorEvent) {
  scripted_->set("breaks", {.n_tokens = 2, .fail = Error{ErrorCode::kUnavailable, "gone"}});
  const auto response = ask(post(kMessages, body_of("breaks", true), kVersion));
  const size_t at = response.body.find("event: error\ndata: {\"type\":\"error\"");
  ASSERT_NE(at, std::string::npos) << response.body;
  EXPECT_THAT(response.body.substr(at), HasSubstr("\"request_id\":\""));
  EXPECT_THAT(response.body, Not(HasSubstr("message_stop")));
  EXPECT_EQ(error_type(ask(post(kMessages, body_of("breaks", false)))), "overloaded_error");
}

TEST_F(AnthropicServerTest, RefusalsHaveTheirTypeAndStatus) {
  scripted_->set("long", {.refuse = Error{ErrorCode::kContextLength, "too long"}});
  scripted_->set("full", {.refuse = Error{ErrorCode::kExhausted, "queue is full"}});
  scripted_->set("broken", {.refuse = Error{ErrorCode::kInternal, "/home/secret"}});
  const struct {
    std::string request;
    int status;
    const char* type;
  } cases[] = {
      {post(kMessages, body_of("long", true)), 400, "invalid_request_error"},
      {post(kMessages, body_of("full", true)), 529, "overloaded_error"},
      {post(kMessages, body_of("broken", false)), 500, "api_error"},
      {post(kMessages, "{"), 400, "invalid_request_error"},
      {post(kMessages, "[]"), 400, "invalid_request_error"},
      {post(kMessages, "{}"), 400, "invalid_request_error"},
      {post(kMessages, body_of("", true, ",\"model\":1")), 400, "invalid_request_error"},
      {post(kMessages, R"({"model":"x","max_tokens":1,"messages":[{"role":"user","content":""}]})"),
       404, "not_found_error"},
      {post(kMessages, std::string(20'000, ' ')), 413, "request_too_large"},
      {post("/v1/messages/batches", "{}"), 404, "not_found_error"},
      {get(kMessages), 405, "invalid_request_error"},
      {get("/v1/messages/x"), 404, "not_found_error"},
      {"GET /v1/models/x HTTP/1.1\r\nHost: localhost\r\nanthropic-version: 1\r\n\r\n", 404,
       "not_found_error"},
      {"POST /v1/messages HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n", 403,
       "permission_error"},
  };
  for (const auto& [request, status, type] : cases) {
    const auto response = ask(request);
    EXPECT_EQ(response.status, status) << request;
    EXPECT_EQ(error_type(response), type) << request;
    EXPECT_THAT(response.body, Not(HasSubstr("secret")));
  }
}

TEST_F(AnthropicServerTest, OtherPathsKeepTheirShape) {
  for (const auto& request :
       {get("/v1/messagesx"), post("/v1/chat/completions", "{"), get("/v1/models/x"),
        post("/v1/chat/completions", std::string(20'000, ' '))}) {
    const auto response = ask(request);
    EXPECT_GE(response.status, 400);
    EXPECT_TRUE(Json::parse(response.body)["error"].contains("param")) << response.body;
  }
}

TEST_F(AnthropicServerTest, WhatTheModelCanNotDoIsRefusedByName) {
  const auto response =
      ask(post(kMessages,
               R"({"model":"null","max_tokens":1,"system":"s","messages":[{"role":"user","content":[
          {"type":"text","text":"a"},
          {"type":"image","source":{"type":"url","url":"https://a/b"}}]}]})"));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("messages.0.content.1: null does not support images"));
  const std::string tools =
      R"({"model":"null","max_tokens":1,"messages":[{"role":"user","content":"a"}],
          "tools":[{"name":"f","input_schema":{"type":"object"}}]})";
  for (const char* path : {kMessages, kCount}) {
    EXPECT_THAT(ask(post(path, tools)).body,
                HasSubstr("tools.0: null does not support tool calls"));
  }
}

TEST_F(AnthropicServerTest, CountsTokensWhereTheModelCan) {
  const auto ask_count = [&](const char* model) {
    return ask(post(kCount, fmt::format(R"({{"model":"{}","messages":[{{"role":"user",)"
                                        R"("content":"12345678"}}]}})",
                                        model)));
  };
  const auto counted = ask_count("null");
  EXPECT_EQ(counted.status, 200);
  EXPECT_EQ(counted.body, R"({"input_tokens":2})");
  const auto refused = ask_count("scripted");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error_type(refused), "invalid_request_error");
  EXPECT_THAT(refused.body, HasSubstr("can not count"));
  EXPECT_EQ(error_type(ask_count("x")), "not_found_error");
}

TEST_F(AnthropicServerTest, ModelsInTheShapeOfWhoAsks) {
  const std::string head = " HTTP/1.1\r\nHost: localhost\r\nanthropic-version: 2023-06-01\r\n\r\n";
  const Json list = Json::parse(ask("GET /v1/models?limit=20" + head).body);
  EXPECT_EQ(list["data"][0]["type"], "model");
  EXPECT_EQ(list["first_id"], "scripted");
  EXPECT_EQ(list["last_id"], "null");
  EXPECT_EQ(list["has_more"], false);
  EXPECT_EQ(Json::parse(ask("GET /v1/models/null" + head).body)["display_name"], "null");
  EXPECT_EQ(Json::parse(ask(get("/v1/models")).body)["object"], "list");
  EXPECT_EQ(Json::parse(ask(get("/v1/models/null")).body)["object"], "model");
}

}  // namespace
}  // namespace overtake
