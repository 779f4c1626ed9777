// Models of an Ollama from the client's socket to the upstream's and back: a scripted one answers.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
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

using testing::post;
using testing::RawClient;
using testing::ScriptedServer;
using Exchange = ScriptedServer::Exchange;
using ::testing::HasSubstr;
using ::testing::Not;

std::string line(const std::string& message, const std::string& more = R"(,"done":false)") {
  return R"({"model":"llama3.2:latest","created_at":"2026-01-01T00:00:00.1Z","message":)" +
         message + more + "}\n";
}
const std::string kText = line(R"({"role":"assistant","content":"Hel"})");
const std::string kEnd = line(
    R"({"role":"assistant","content":"lo"})",
    R"(,"done":true,"done_reason":"stop","prompt_eval_count":11,"eval_count":2,"eval_duration":9)");

bool stream(const Exchange& e, const std::string& lines) {
  return e.answer(200, "Content-Type: application/x-ndjson\r\n", lines);
}
bool refuse(const Exchange& e, int status, const std::string& message) {
  return e.answer(status, "Content-Type: application/json; charset=utf-8\r\n",
                  R"({"error":")" + message + "\"}");
}

// An Ollama with a script and an Overtake before it.
class OllamaUpstream {
 public:
  explicit OllamaUpstream(ScriptedServer::Handler handler)
      : upstream_([this, handler](const Exchange& e) {
          {
            const std::lock_guard lock(mutex_);
            bodies_.push_back(e.path() + " " + e.body);
          }
          return handler(e);
        }) {
    auto context = std::make_shared<ServerContext>();
    auto upstreams =
        Upstreams::from({{"OLLAMA_HOST", fmt::format("127.0.0.1:{}", upstream_.port())},
                         {"OLLAMA_API_KEY", "secret-of-ollama"}},
                        {.max_retries = 1, .retry_delay_ms = 10});
    EXPECT_TRUE(upstreams.ok());
    context->upstreams = *upstreams;
    context->generators = {make_null_generator()};
    context->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    server_ = std::move(*HttpServer::listen(options, make_router(std::move(context))));
    thread_ = std::thread([this] { server_->run(); });
  }
  ~OllamaUpstream() {
    server_->stop(0);
    thread_.join();
  }

  RawClient::Response ask(const std::string& path, const std::string& body) {
    return RawClient(server_->port()).ask(post(path, body));
  }
  std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> bodies_;  // "/path body"
  ScriptedServer upstream_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

std::string chat(bool stream, const std::string& more = "") {
  return fmt::format(R"({{"model":"ollama/llama3.2","stream":{},"messages":[{{"role":"user",)"
                     R"("content":"hi"}}]{}}})",
                     stream, more);
}

TEST(OllamaUpstream, AnswersOpenAisAndOllamasClients) {
  OllamaUpstream model([](const Exchange& e) { return stream(e, kText + kEnd); });
  const auto plain = model.ask("/v1/chat/completions", chat(false, R"(,"max_tokens":5,"top_k":3)"));
  ASSERT_EQ(plain.status, 200) << plain.body;
  const Json answer = Json::parse(plain.body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 11);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 2);
  const std::string sent = model.bodies().at(0);
  ASSERT_TRUE(sent.starts_with("/api/chat ")) << sent;
  const Json body = Json::parse(sent.substr(sent.find(' ')));
  EXPECT_EQ(body["model"], "llama3.2");
  EXPECT_EQ(body["stream"], false);
  EXPECT_EQ(body["options"]["num_predict"], 5);
  EXPECT_EQ(body["options"]["top_k"], 3);

  const auto streamed = model.ask(
      "/api/chat", chat(true, R"(,"keep_alive":"5m","options":{"num_ctx":8192,"seed":7})"));
  EXPECT_THAT(streamed.body, HasSubstr(R"("content":"Hel")"));
  EXPECT_THAT(streamed.body, HasSubstr(R"("done_reason":"stop")"));
  const std::string again = model.bodies().at(1);
  const Json own = Json::parse(again.substr(again.find(' ')));
  EXPECT_EQ(own["keep_alive"], "5m");
  EXPECT_EQ(own["options"]["num_ctx"], 8192);
  EXPECT_EQ(own["options"]["seed"], 7);
}

TEST(OllamaUpstream, TakesPromptsWithoutMessages) {
  OllamaUpstream model([](const Exchange& e) {
    return stream(e, R"({"model":"m","response":"bc","done":true,"done_reason":"length"})");
  });
  const auto response =
      model.ask("/v1/completions", R"({"model":"ollama/m","prompt":"a","max_tokens":2})");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Json::parse(response.body)["choices"][0]["text"], "bc");
  EXPECT_THAT(model.bodies().at(0), HasSubstr("/api/generate "));
  EXPECT_THAT(model.bodies().at(0), HasSubstr(R"("raw":true)"));
}

TEST(OllamaUpstream, CallsToolsForClientsThatNeedIds) {
  OllamaUpstream model([](const Exchange& e) {
    return stream(e, line(R"({"role":"assistant","content":"","tool_calls":[{"function":)"
                          R"({"name":"f","arguments":{"a":1}}}]})") +
                         kEnd);
  });
  const std::string tools =
      R"(,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}])";
  const Json choice =
      Json::parse(model.ask("/v1/chat/completions", chat(false, tools)).body)["choices"][0];
  const Json& call = choice["message"]["tool_calls"][0];
  EXPECT_TRUE(call["id"].get<std::string>().starts_with("call_"));
  EXPECT_EQ(call["function"]["arguments"], "{\"a\":1}");
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  const auto forced =
      model.ask("/v1/chat/completions", chat(false, tools + R"(,"tool_choice":"required")"));
  EXPECT_EQ(forced.status, 400);
  EXPECT_EQ(Json::parse(forced.body)["error"]["param"], "tool_choice");
  EXPECT_EQ(model.bodies().size(), 1u);
}

TEST(OllamaUpstream, FaultsReachTheClient) {
  const struct {
    const char* name;
    ScriptedServer::Handler script;
    int status;
    const char* words;
    size_t n_requests;
  } faults[] = {
      {"bad request", [](const Exchange& e) { return refuse(e, 400, "no tools here"); }, 400,
       "no tools here", 1},
      {"no such model", [](const Exchange& e) { return refuse(e, 404, "model not found"); }, 404,
       "ollama pull", 1},
      {"wrong key", [](const Exchange& e) { return refuse(e, 401, "secret-of-ollama"); }, 502,
       "OLLAMA_API_KEY", 1},
      {"crash", [](const Exchange& e) { return refuse(e, 500, "runner has terminated"); }, 502,
       "runner has terminated", 2},
      {"busy", [](const Exchange& e) { return refuse(e, 503, "server busy"); }, 503, "server busy",
       2},
      {"no end", [](const Exchange& e) { return stream(e, ""); }, 502, "before it said", 1},
      {"a page", [](const Exchange& e) { return e.answer(200, "", "<html>"); }, 502, "JSON", 1},
  };
  for (const auto& fault : faults) {
    for (const bool streamed : {false, true}) {
      OllamaUpstream model(fault.script);
      const auto response = model.ask("/v1/chat/completions", chat(streamed));
      EXPECT_EQ(response.status, fault.status) << fault.name << response.body;
      EXPECT_THAT(response.body, HasSubstr(fault.words)) << fault.name;
      EXPECT_THAT(response.head + response.body, Not(HasSubstr("secret-of-ollama"))) << fault.name;
      EXPECT_EQ(model.bodies().size(), fault.n_requests) << fault.name;
    }
  }
}

TEST(OllamaUpstream, BrokenStreamsAreErrorsAndNeverShortSuccesses) {
  for (const std::string& rest :
       {std::string(), std::string("{\"error\":\"an upstream's crash\"}\n"), std::string("{oops\n"),
        kEnd.substr(0, 60)}) {
    OllamaUpstream model([&](const Exchange& e) { return stream(e, kText + rest); });
    const auto streamed = model.ask("/api/chat", chat(true));
    EXPECT_THAT(streamed.body, HasSubstr("Hel")) << rest;
    EXPECT_THAT(streamed.body, HasSubstr("{\"error\":")) << rest;
    EXPECT_THAT(streamed.body, Not(HasSubstr("\"done\":true"))) << rest;
    EXPECT_GE(model.ask("/api/chat", chat(false)).status, 502) << rest;
  }
}

}  // namespace
}  // namespace overtake
