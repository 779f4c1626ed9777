// OpenAI's models by its Responses: which requests go there, and a conversation that is kept here
// and goes back with what OpenAI has encrypted.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

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

constexpr const char* kAnswer =
    R"({"id":"resp_9","object":"response","status":"completed","model":"m","error":null,"output":[
     {"id":"rs_68af","type":"reasoning","summary":[],"encrypted_content":"gAAA"},
     {"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}},
     {"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[
      {"type":"output_text","text":"Hello","annotations":[]}]}],
     "usage":{"input_tokens":9,"output_tokens":2,"total_tokens":11}})";
constexpr const char* kChatAnswer =
    R"({"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop",
     "message":{"role":"assistant","content":"Hello"}}]})";

// An upstream that answers in both ways, an Overtake before it, and what came to the first.
class ResponsesUpstream : public ::testing::Test {
 protected:
  struct Request {
    std::string path;
    Json body;
  };

  ResponsesUpstream()
      : upstream_([this](const Exchange& e) {
          const std::lock_guard lock(mutex_);
          requests_.push_back({e.path(), Json::parse(e.body)});
          const bool chat = e.path() == "/v1/chat/completions";
          return e.answer(200, "Content-Type: application/json\r\n", chat ? kChatAnswer : answer_);
        }) {
    auto context = std::make_shared<ServerContext>();
    context->upstreams =
        Upstreams::from({{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", upstream_.url("/v1")}}, {})
            .value();
    context->generators = {make_null_generator()};
    context->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    server_ = HttpServer::listen(options, make_router(std::move(context))).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~ResponsesUpstream() override {
    server_->stop(0);
    thread_.join();
  }

  RawClient::Response ask(const std::string& path, const std::string& body) {
    return RawClient(server_->port()).ask(post(path, body));
  }
  Json respond(const std::string& members) {
    const auto reply = ask("/v1/responses", "{" + members + "}");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return Json::parse(reply.body);
  }
  Request last() {
    const std::lock_guard lock(mutex_);
    return requests_.back();
  }

  std::mutex mutex_;
  std::vector<Request> requests_;
  std::string answer_ = kAnswer;
  ScriptedServer upstream_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(ResponsesUpstream, ChatCompletionsAnswerWhatTheyCanSay) {
  const std::string hi = R"("messages":[{"role":"user","content":"hi"}])";
  for (const char* model : {"gpt-4o", "gpt-5", "o3", "gpt-prof", "deepseek-pro"}) {
    ask("/v1/chat/completions", fmt::format(R"({{"model":"openai/{}",{}}})", model, hi));
    EXPECT_EQ(last().path, "/v1/chat/completions") << model;
  }
  for (const char* model : {"o3-pro", "o1-pro-2025-03-19", "gpt-5-codex", "gpt-5.1-codex-max",
                            "o4-mini-deep-research", "computer-use-preview", "codex-mini-latest"}) {
    ask("/v1/chat/completions", fmt::format(R"({{"model":"openai/{}",{}}})", model, hi));
    EXPECT_EQ(last().path, "/v1/responses") << model;
  }
  respond(R"("model":"openai/gpt-4o","input":"hi")");
  EXPECT_EQ(last().path, "/v1/chat/completions");
  respond(R"("model":"openai/gpt-4o","input":"hi","tools":[{"type":"web_search"}])");
  EXPECT_EQ(last().path, "/v1/responses");
  const auto refused =
      ask("/v1/chat/completions", R"({"model":"openai/o3-pro","seed":1,)" + hi + "}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(Json::parse(refused.body)["error"]["param"], "seed");
}

TEST_F(ResponsesUpstream, AConversationIsKeptHereAndGoesBackWhole) {
  const std::string model = R"("model":"openai/gpt-5","tools":[{"type":"web_search"}],)";
  const Json first = respond(model + R"("input":"hi")");
  EXPECT_EQ(last().body["store"], false);
  EXPECT_EQ(first["output"][1], Json::parse(kAnswer)["output"][1]) << "what its tools did, whole";
  const Json second = respond(
      model + fmt::format(R"("input":"go on","previous_response_id":{})", first["id"].dump()));
  const Request sent = last();
  EXPECT_FALSE(sent.body.contains("previous_response_id"));
  EXPECT_EQ(sent.body["input"], Json::parse(R"([
      {"type":"message","role":"user","content":"hi"},
      {"type":"reasoning","id":"rs_68af","summary":[],"encrypted_content":"gAAA"},
      {"id":"ws_1","type":"web_search_call","status":"completed",
       "action":{"type":"search","query":"q"}},
      {"type":"message","role":"assistant","content":"Hello"},
      {"type":"message","role":"user","content":"go on"}])"));
  // By the names of the items, too.
  respond(model + fmt::format(R"("input":[{{"type":"item_reference","id":{}}},
      {{"role":"user","content":"x"}}])",
                              second["output"][0]["id"].dump()));
  EXPECT_EQ(last().body["input"][0]["id"], "rs_68af");
}

TEST_F(ResponsesUpstream, AFailedAnswerHasTheStatusOfItsCode) {
  const std::string asked = R"({"model":"openai/o3-pro","input":"hi"})";
  for (const auto& [code, status] :
       {std::pair{"rate_limit_exceeded", 429}, {"invalid_prompt", 400}, {"server_error", 502}}) {
    {
      const std::lock_guard lock(mutex_);
      answer_ = fmt::format(R"({{"id":"r","object":"response","status":"failed","output":[],"error":
          {{"code":"{}","message":"gone"}}}})",
                            code);
    }
    const auto reply = ask("/v1/responses", asked);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_NE(reply.body.find("gone"), reply.body.npos);
  }
}

}  // namespace
}  // namespace overtake
