// Gemini's models from the client's socket to Google's and back: a scripted upstream plays the
// shapes and the faults that Google's servers have and OpenAI's do not.
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

constexpr const char* kKey = "AIzaTest-0123456789abcdef";

std::string chunk(const std::string& parts, const std::string& more = "") {
  return R"(data: {"candidates":[{"content":{"role":"model","parts":[)" + parts +
         R"(]},"index":0)" + more +
         R"(}],"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":2,)"
         R"("thoughtsTokenCount":5,"cachedContentTokenCount":4},)"
         R"("modelVersion":"gemini-3.5-flash-001","responseId":"r9"})"
         "\r\n\r\n";
}
const std::string kThought = chunk(R"({"text":"hm","thought":true})");
const std::string kHel = chunk(R"({"text":"Hel"})");
const std::string kEnd =
    chunk(R"({"text":"lo","thoughtSignature":"c2ln"})", R"(,"finishReason":"STOP")");
const std::string kAnswer = kThought + kHel + kEnd;
const std::string kBareError =
    "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n"
    "    \"status\": \"UNAVAILABLE\"\n  }\n}\n";

bool stream(const Exchange& e, const std::string& events) {
  return e.answer(200, "Content-Type: text/event-stream\r\n", events);
}
bool refuse(const Exchange& e, int status, const std::string& message, const char* word,
            const std::string& details = "") {
  return e.answer(
      status, "Content-Type: application/json; charset=UTF-8\r\n",
      fmt::format(R"({{"error":{{"code":{},"message":"{}","status":"{}","details":[{}]}}}})",
                  status, message, word, details));
}

// An upstream with a script, an Overtake before it, and a client.
class GeminiModel {
 public:
  explicit GeminiModel(ScriptedServer::Handler handler)
      : upstream_([this, handler](const Exchange& e) {
          ++n_requests_;
          return handler(e);
        }) {
    auto context = std::make_shared<ServerContext>();
    const RemoteOptions impatient = {.connect_timeout_ms = 2000,
                                     .first_byte_timeout_ms = 400,
                                     .silence_timeout_ms = 400,
                                     .max_retries = 2,
                                     .retry_delay_ms = 20,
                                     .retry_within_ms = 3000};
    auto upstreams = Upstreams::from(
        {{"GEMINI_API_KEY", kKey}, {"GOOGLE_GEMINI_BASE_URL", upstream_.url("")}}, impatient);
    EXPECT_TRUE(upstreams.ok()) << upstreams.error().message;
    context->upstreams = upstreams_ = *upstreams;
    context->generators = {make_null_generator()};
    context->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    auto server = HttpServer::listen(options, make_router(std::move(context)));
    EXPECT_TRUE(server.ok());
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~GeminiModel() {
    server_->stop(0);
    thread_.join();
  }

  RawClient::Response chat(bool stream, const std::string& more = "") {
    return ask("/v1/chat/completions",
               fmt::format(R"({{"model":"google/gemini-3.5-flash","stream":{},"messages":)"
                           R"([{{"role":"user","content":"hi"}}]{}}})",
                           stream, more));
  }
  RawClient::Response ask(const std::string& path, const std::string& body) {
    return RawClient(server_->port()).ask(post(path, body));
  }
  ScriptedServer& upstream() { return upstream_; }
  Upstreams& upstreams() { return *upstreams_; }
  int n_requests() const { return n_requests_; }

 private:
  std::atomic<int> n_requests_ = 0;
  ScriptedServer upstream_;
  std::shared_ptr<Upstreams> upstreams_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST(GeminiUpstream, AnswersPlainAndStreamed) {
  std::string body;
  GeminiModel model([&](const Exchange& e) {
    body = e.body;
    return stream(e, kAnswer);
  });
  const auto plain = model.chat(false, R"(,"max_tokens":7)");
  ASSERT_EQ(plain.status, 200) << plain.body;
  const Json answer = Json::parse(plain.body);
  EXPECT_EQ(answer["model"], "google/gemini-3.5-flash");
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 11);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 7);
  EXPECT_EQ(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 5);
  EXPECT_EQ(body, R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],)"
                  R"("generationConfig":{"maxOutputTokens":7}})");
  const auto streamed = model.chat(true);
  EXPECT_THAT(streamed.body, HasSubstr("\"content\":\"Hel\""));
  EXPECT_TRUE(streamed.body.ends_with("data: [DONE]\n\n"));
  const auto heads = model.upstream().heads();
  ASSERT_EQ(heads.size(), 2u);
  EXPECT_THAT(heads[0], HasSubstr("POST /v1beta/models/gemini-3.5-flash:generateContent HTTP"));
  EXPECT_THAT(heads[1],
              HasSubstr("POST /v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse HTTP"));
  for (const std::string& head : heads) {
    EXPECT_THAT(head, HasSubstr(std::string("x-goog-api-key: ") + kKey));
    EXPECT_THAT(head, Not(HasSubstr("Authorization")));
  }
}

// What Gemini's own clients say and hear passes through as it was.
TEST(GeminiUpstream, SignaturesPassThroughBothWays) {
  std::string body;
  GeminiModel model([&](const Exchange& e) {
    body = e.body;
    return stream(e, kThought + chunk(R"({"functionCall":{"id":"c","name":"f","args":{"a":1}},)"
                                      R"("thoughtSignature":"dG9v"})",
                                      R"(,"finishReason":"STOP")"));
  });
  const std::string contents =
      R"([{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"functionCall":)"
      R"({"name":"f","args":{"a":1}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":)"
      R"([{"functionResponse":{"name":"f","response":{"b":2}}}]}])";
  const auto response = model.ask("/v1beta/models/google/gemini-3.5-flash:generateContent",
                                  R"({"contents":)" + contents +
                                      R"(,"tools":[{"functionDeclarations":[{"name":"f"}]},)" +
                                      R"({"googleSearch":{}}]})");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Json::parse(body)["contents"].dump(), contents);
  EXPECT_EQ(Json::parse(body)["tools"].dump(),
            R"([{"functionDeclarations":[{"name":"f"}]},{"googleSearch":{}}])");
  EXPECT_EQ(Json::parse(response.body)["candidates"][0]["content"]["parts"].dump(),
            R"([{"text":"hm","thought":true},{"functionCall":{"id":"c","name":"f","args":{"a":1}},)"
            R"("thoughtSignature":"dG9v"}])");
}

struct Fault {
  const char* name;
  ScriptedServer::Handler script;
  int status;         // what our client sees, plain
  const char* words;  // in the error's message
  int n_requests;
};

const Fault kFaults[] = {
    {"bad request",
     [](const Exchange& e) { return refuse(e, 400, "no such field", "INVALID_ARGUMENT"); }, 400,
     "no such field", 1},
    {"wrong key",
     [](const Exchange& e) {
       return refuse(e, 400, std::string("API key not valid: ") + kKey, "INVALID_ARGUMENT",
                     R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo",)"
                     R"("reason":"API_KEY_INVALID"})");
     },
     502, "GEMINI_API_KEY", 1},
    {"no service there",
     [](const Exchange& e) { return refuse(e, 400, "location", "FAILED_PRECONDITION"); }, 502,
     "location", 1},
    {"no such model", [](const Exchange& e) { return refuse(e, 404, "not found", "NOT_FOUND"); },
     404, "not found", 1},
    {"busy for a minute",
     [](const Exchange& e) {
       return refuse(e, 429, "quota", "RESOURCE_EXHAUSTED",
                     R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"57s"})");
     },
     429, "quota", 1},
    {"always busy", [](const Exchange& e) { return refuse(e, 503, "overloaded", "UNAVAILABLE"); },
     503, "overloaded", 3},
    {"broken off", [](const Exchange& e) { return stream(e, kHel + kBareError); }, 502,
     "overloaded", 1},
    {"ends without a reason", [](const Exchange& e) { return stream(e, kHel); }, 502,
     "finishReason", 1},
    {"half an event", [](const Exchange& e) { return stream(e, kHel + "data: {\"cand"); }, 502,
     "within an event", 1},
    {"a call that is none",
     [](const Exchange& e) {
       return stream(e, kHel + chunk("", R"(,"finishReason":"MALFORMED_FUNCTION_CALL")"));
     },
     502, "MALFORMED_FUNCTION_CALL", 1},
    {"an image",
     [](const Exchange& e) {
       return stream(e, chunk(R"({"inlineData":{"mimeType":"image/png","data":"AA=="}})") + kEnd);
     },
     502, "image", 1},
    {"empty", [](const Exchange& e) { return stream(e, ""); }, 502, "finishReason", 1},
    {"an empty array", [](const Exchange& e) { return e.answer(200, "", "[]"); }, 502,
     "finishReason", 1},
};

TEST(GeminiUpstream, FaultsReachTheClientAsErrors) {
  for (const Fault& fault : kFaults) {
    GeminiModel model(fault.script);
    const int64_t start = now_ms();
    const auto plain = model.chat(false);
    EXPECT_EQ(plain.status, fault.status) << fault.name << plain.body;
    EXPECT_THAT(plain.body, HasSubstr(fault.words)) << fault.name;
    EXPECT_EQ(model.n_requests(), fault.n_requests) << fault.name;
    const auto streamed = model.chat(true);
    EXPECT_THAT(streamed.body, HasSubstr("\"error\":{\"message\"")) << fault.name;
    EXPECT_THAT(streamed.body, Not(HasSubstr("[DONE]"))) << fault.name;
    for (const auto& response : {plain, streamed}) {
      EXPECT_THAT(response.head + response.body, Not(HasSubstr(kKey))) << fault.name;
    }
    EXPECT_TRUE(fault.status != 429 || plain.head.find("Retry-After: 57") != std::string::npos)
        << plain.head;
    EXPECT_LT(now_ms() - start, 5000) << fault.name;
  }
}

TEST(GeminiUpstream, WaitsAsLongAsTheBodySays) {
  std::atomic<int> n = 0;
  GeminiModel model([&](const Exchange& e) {
    if (++n > 1) return stream(e, kAnswer);
    return refuse(e, 429, "quota", "RESOURCE_EXHAUSTED",
                  R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.5s"})");
  });
  const int64_t start = now_ms();
  EXPECT_EQ(model.chat(false).status, 200);
  EXPECT_GE(now_ms() - start, 500);
}

TEST(GeminiUpstream, ABlockedPromptIsFilteredAndNoFailure) {
  GeminiModel model([](const Exchange& e) {
    return stream(e, "data: {\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}}\n\n");
  });
  const auto response = model.chat(false);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Json::parse(response.body)["choices"][0]["finish_reason"], "content_filter");
}

TEST(GeminiUpstream, RefusesByNameWhatGeminiHasNot) {
  GeminiModel model([](const Exchange& e) { return stream(e, kAnswer); });
  for (const char* field : {R"("min_p":0.1)", R"("logit_bias":{"5":1})",
                            R"("parallel_tool_calls":false,"tools":[{"type":"function",)"
                            R"("function":{"name":"f"}}])"}) {
    EXPECT_EQ(model.chat(false, std::string(",") + field).status, 400) << field;
  }
  EXPECT_EQ(model.n_requests(), 0);
}

TEST(GeminiUpstream, CountsWhereGoogleIsAsked) {
  GeminiModel model([](const Exchange& e) {
    EXPECT_EQ(e.path(), "/v1beta/models/gemini-3.5-flash:countTokens");
    return e.answer(200, "", R"({"totalTokens":31})");
  });
  const auto response = model.ask("/v1beta/models/google/gemini-3.5-flash:countTokens",
                                  R"({"contents":[{"parts":[{"text":"x"}]}]})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Json::parse(response.body)["totalTokens"], 31);
}

TEST(GeminiUpstream, ListsAllPagesOfModels) {
  GeminiModel model([](const Exchange& e) {
    if (e.path() == "/v1beta/models?pageSize=1000") {
      return e.answer(200, "", R"({"models":[{"name":"models/a"}],"nextPageToken":"p=2"})");
    }
    EXPECT_EQ(e.path(), "/v1beta/models?pageSize=1000&pageToken=p%3D2");
    return e.answer(200, "", R"({"models":[{"name":"models/b"}]})");
  });
  for (const auto& upstream : model.upstreams().all()) {
    if (upstream->name != "google") continue;
    const auto models = model.upstreams().list(*upstream);
    ASSERT_TRUE(models.ok()) << models.error().message;
    EXPECT_THAT(*models, ::testing::ElementsAre("a", "b"));
  }
  EXPECT_EQ(model.n_requests(), 2);
}

TEST(GeminiUpstream, AnAnswerIsDoneThoughItsStreamDoesNotEnd) {
  const auto held = [](const std::string& events) {
    return [events](const Exchange& e) {
      e.send(
          fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n",
                      events.size(), events));
      return e.sleep_ms(3000), false;
    };
  };
  GeminiModel whole(held(kAnswer));
  const auto response = whole.chat(true);
  EXPECT_THAT(response.body, HasSubstr("data: [DONE]\n"));
  EXPECT_THAT(response.body, HasSubstr("\"lo\""));
  for (const std::string& part : {kThought + kHel, kAnswer + "data: {"}) {
    GeminiModel broken(held(part));
    EXPECT_THAT(broken.chat(true).body, Not(HasSubstr("[DONE]\n")));
  }
}

}  // namespace
}  // namespace overtake
