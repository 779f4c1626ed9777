// Embeddings through every dialect's door, over `null`, a scripted model that gives none, and
// upstreams that answer by a test's script.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "provider/remote/upstreams.h"
#include "tests/scripted_server.h"
#include "tests/served.h"

namespace overtake {
namespace {

using ::testing::HasSubstr;
using testing::RawClient;
using testing::ScriptedServer;
using Exchange = ScriptedServer::Exchange;

// OpenAI's, Gemini's and Ollama's upstream in one, as a test's function answers.
class EmbeddingsServer : public testing::Served {
 protected:
  void SetUp() override {
    upstream_ = std::make_unique<ScriptedServer>([this](const Exchange& e) {
      const std::lock_guard lock(mutex_);
      sent_.push_back(e.path() + " " + e.body);
      return e.answer(status_, "Content-Type: application/json\r\n", reply_);
    });
    const std::string url = fmt::format("http://127.0.0.1:{}", upstream_->port());
    auto upstreams = Upstreams::from({{"OPENAI_BASE_URL", url},
                                      {"OPENAI_API_KEY", "k"},
                                      {"GOOGLE_GEMINI_BASE_URL", url},
                                      {"GEMINI_API_KEY", "k"},
                                      {"ANTHROPIC_BASE_URL", url},
                                      {"ANTHROPIC_API_KEY", "k"},
                                      {"OLLAMA_HOST", url}},
                                     {.max_retries = 0});
    ASSERT_TRUE(upstreams.ok()) << upstreams.error().message;
    context_->upstreams = *upstreams;
    Served::SetUp();
  }
  void TearDown() override {
    Served::TearDown();
    upstream_.reset();
  }
  void upstream_answers(int status, std::string reply) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    reply_ = std::move(reply);
  }
  Json sent() {
    const std::lock_guard lock(mutex_);
    return Json::parse(sent_.back().substr(sent_.back().find(' ') + 1));
  }
  std::string sent_path() {
    const std::lock_guard lock(mutex_);
    return sent_.back().substr(0, sent_.back().find(' '));
  }

  Json ask(std::string_view path, std::string_view body, int status = 200) {
    const auto response = ask_post(path, body);
    EXPECT_EQ(response.status, status) << response.body;
    return Json::parse(response.body);
  }

  std::mutex mutex_;
  std::vector<std::string> sent_;
  int status_ = 200;
  std::string reply_;
  std::unique_ptr<ScriptedServer> upstream_;
};

TEST_F(EmbeddingsServer, OpenAiGetsNumbersOrBase64) {
  const Json floats =
      ask("/v1/embeddings", R"({"model":"null","input":["four","eight bytes"],"dimensions":4})");
  EXPECT_EQ(floats["object"], "list");
  EXPECT_EQ(floats["model"], "null");
  ASSERT_EQ(floats["data"].size(), 2u);
  EXPECT_EQ(floats["data"][1]["object"], "embedding");
  EXPECT_EQ(floats["data"][1]["index"], 1);
  EXPECT_EQ(floats["data"][1]["embedding"], Json::array({0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(floats["usage"], (Json{{"prompt_tokens", 4}, {"total_tokens", 4}}));
  // Little-endian: 0.5f is 00 00 00 3f.
  const Json coded = ask("/v1/embeddings", R"({"model":"null","input":"x","dimensions":4,
                                               "encoding_format":"base64","user":"u"})");
  EXPECT_EQ(coded["data"][0]["embedding"], "AAAAPwAAAD8AAAA/AAAAPw==");
  EXPECT_EQ(ask("/v1/embeddings", R"({"model":"null","input":"x"})")["data"][0]["embedding"].size(),
            64u);
}

TEST_F(EmbeddingsServer, OpenAiMaySendTokenIds) {
  const Json one = ask("/v1/embeddings", R"({"model":"null","input":[5,6,7]})");
  EXPECT_EQ(one["data"].size(), 1u);
  EXPECT_EQ(one["usage"]["prompt_tokens"], 3);
  const Json two = ask("/v1/embeddings", R"({"model":"null","input":[[5,6,7],[8]]})");
  EXPECT_EQ(two["data"].size(), 2u);
  EXPECT_EQ(two["usage"]["prompt_tokens"], 4);
}

TEST_F(EmbeddingsServer, OpenAiHearsWhatIsWrong) {
  const struct {
    std::string body;
    const char* param;
  } wrong[] = {
      {R"({"model":"null"})", "input"},
      {R"({"model":"null","input":[]})", "input"},
      {R"({"model":"null","input":{}})", "input"},
      {R"({"model":"null","input":[1,-2]})", "input"},
      {R"({"model":"null","input":["a",1]})", "input"},
      {R"({"model":"null","input":[[]]})", "input"},
      {R"({"model":"null","input":[4294967296]})", "input"},
      {R"({"model":"null","input":"a","dimensions":0})", "dimensions"},
      {R"({"model":"null","input":"a","encoding_format":"int8"})", "encoding_format"},
  };
  for (const auto& each : wrong) {
    const auto response = ask_post("/v1/embeddings", each.body);
    EXPECT_EQ(response.status, 400) << each.body;
    EXPECT_EQ(Json::parse(response.body)["error"]["param"], each.param) << response.body;
  }
  Json many = Json::array();
  for (int i = 0; i < 2049; ++i) many.push_back("a");
  EXPECT_EQ(
      ask("/v1/embeddings", Json{{"model", "null"}, {"input", many}}.dump(), 400)["error"]["param"],
      "input");
  EXPECT_EQ(ask("/v1/embeddings", R"({"model":"nobody","input":"a"})", 404)["error"]["code"],
            "model_not_found");
  const std::string long_text(4 * 131'072 + 1, 'a');
  EXPECT_EQ(ask("/v1/embeddings", Json{{"model", "null"}, {"input", long_text}}.dump(),
                400)["error"]["code"],
            "context_length_exceeded");
}

TEST_F(EmbeddingsServer, ThousandsOfInputsAreAnswered) {
  Json many = Json::array();
  for (int i = 0; i < 2048; ++i) many.push_back(fmt::format("text {}", i));
  const Json out = ask("/v1/embeddings", Json{{"model", "null"}, {"input", many}}.dump());
  ASSERT_EQ(out["data"].size(), 2048u);
  EXPECT_EQ(out["data"][2047]["index"], 2047);
}

TEST_F(EmbeddingsServer, GeminiEmbedsOneOrABatch) {
  for (const char* version : {"v1beta", "v1"}) {
    const std::string model = fmt::format("/{}/models/null:", version);
    const Json one = ask(model + "embedContent",
                         R"({"model":"models/null","content":{"parts":[{"text":"a"},{"text":"b"}]},
                             "taskType":"RETRIEVAL_DOCUMENT","title":"t","outputDimensionality":4})");
    EXPECT_EQ(one["embedding"]["values"], Json::array({0.5, 0.5, 0.5, 0.5}));
    EXPECT_EQ(one["usageMetadata"]["promptTokenCount"], 1);
    const Json batch = ask(model + "batchEmbedContents", R"({"requests":[
        {"model":"models/null","content":{"role":"user","parts":[{"text":"a"}]}},
        {"content":{"parts":[{"text":"b"}]},"task_type":"RETRIEVAL_QUERY"}]})");
    ASSERT_EQ(batch["embeddings"].size(), 2u);
    EXPECT_EQ(batch["embeddings"][1]["values"].size(), 64u);
  }
  const Json model = Json::parse(ask_get("/v1beta/models/null").body);
  EXPECT_THAT(model["supportedGenerationMethods"].dump(), HasSubstr("batchEmbedContents"));
}

TEST_F(EmbeddingsServer, GeminiHearsWhatIsWrong) {
  const std::pair<std::string, std::string> wrong[] = {
      {R"({})", "requests"},
      {R"({"requests":[]})", "requests"},
      {R"({"requests":[1]})", "requests[0]"},
      {R"({"requests":[{}]})", "requests[0].content"},
      {R"({"requests":[{"content":{}}]})", "requests[0].content.parts"},
      {R"({"requests":[{"content":{"parts":[{"inlineData":{}}]}}]})",
       "requests[0].content.parts[0]"},
      {R"({"requests":[{"model":"models/other","content":{"parts":[{"text":"a"}]}}]})",
       "requests[0].model"},
      {R"({"requests":[{"content":{"parts":[{"text":"a"}]}},
                       {"content":{"parts":[{"text":"a"}]},"outputDimensionality":8}]})",
       "requests[1].outputDimensionality"},
      {R"({"requests":[{"content":{"parts":[{"text":""}]}}]})", "input 0 is empty"},
  };
  for (const auto& [body, word] : wrong) {
    const Json out = ask("/v1beta/models/null:batchEmbedContents", body, 400);
    EXPECT_EQ(out["error"]["status"], "INVALID_ARGUMENT");
    EXPECT_THAT(out["error"]["message"].get<std::string>(), HasSubstr(word));
  }
  EXPECT_EQ(ask("/v1beta/models/nobody:embedContent", R"({"content":{"parts":[{"text":"a"}]}})",
                404)["error"]["status"],
            "NOT_FOUND");
}

TEST_F(EmbeddingsServer, OllamaEmbedsAndSaysWhatItCut) {
  const Json one = ask("/api/embed", R"({"model":"null:latest","input":"a","dimensions":4})");
  EXPECT_EQ(one["embeddings"], Json::array({Json::array({0.5, 0.5, 0.5, 0.5})}));
  EXPECT_EQ(one["prompt_eval_count"], 1);
  EXPECT_GT(one["total_duration"], 0);
  EXPECT_FALSE(one.contains("truncated"));
  const std::string long_text(4 * 131'072 + 1, 'a');
  const Json cut = ask("/api/embed", Json{{"model", "null"}, {"input", {"a", long_text}}}.dump());
  EXPECT_EQ(cut["truncated"], Json::array({1}));
  const Json refused = ask(
      "/api/embed", Json{{"model", "null"}, {"input", long_text}, {"truncate", false}}.dump(), 400);
  EXPECT_THAT(refused["error"].get<std::string>(), HasSubstr("context"));
  EXPECT_EQ(ask("/api/embeddings", R"({"model":"null","prompt":"a"})")["embedding"].size(), 64u);
}

// Ollama's clients ask so that a model be loaded.
TEST_F(EmbeddingsServer, OllamaAnswersARequestWithoutAText) {
  EXPECT_EQ(ask("/api/embed", R"({"model":"null","input":""})")["embeddings"], Json::array());
  EXPECT_EQ(ask("/api/embed", R"({"model":"null"})")["embeddings"], Json::array());
  EXPECT_EQ(ask("/api/embeddings", R"({"model":"null"})")["embedding"], Json::array());
  EXPECT_EQ(ask("/api/embed", R"({"input":"a"})", 400)["error"].is_string(), true);
  EXPECT_EQ(ask("/api/embed", R"({"model":"null","input":[1]})", 400)["error"].is_string(), true);
}

TEST_F(EmbeddingsServer, AModelThatGivesNoneIsNamed) {
  scripted_->set_features({});
  EXPECT_THAT(ask("/v1/embeddings", R"({"model":"scripted","input":"a"})", 400)["error"]["message"]
                  .get<std::string>(),
              HasSubstr("scripted does not support embeddings"));
  const char* body = R"({"model":"anthropic/claude-x","input":"a"})";
  const Json refused = ask("/v1/embeddings", body, 400);
  EXPECT_EQ(refused["error"]["param"], "model");
  EXPECT_THAT(refused["error"]["message"].get<std::string>(),
              HasSubstr("anthropic/claude-x does not support embeddings"));
  EXPECT_THAT(ask("/api/embed", body, 400)["error"].get<std::string>(),
              HasSubstr("anthropic/claude-x does not support embeddings"));
}

TEST_F(EmbeddingsServer, OpenAiIsAskedInItsWords) {
  upstream_answers(200, R"({"object":"list","model":"text-embedding-3-small","data":[
      {"object":"embedding","index":1,"embedding":[0.5,-1]},
      {"object":"embedding","index":0,"embedding":"AAAAPwAAgL8="}],
      "usage":{"prompt_tokens":7,"total_tokens":7}})");
  const Json out = ask("/v1/embeddings", R"({"model":"openai/text-embedding-3-small",
      "input":["a","b"],"dimensions":2,"user":"u","later":1})");
  EXPECT_EQ(sent_path(), "/embeddings");
  EXPECT_EQ(sent(), (Json{{"model", "text-embedding-3-small"},
                          {"input", {"a", "b"}},
                          {"encoding_format", "base64"},
                          {"dimensions", 2},
                          {"user", "u"},
                          {"later", 1}}));
  EXPECT_EQ(out["data"][0]["embedding"], Json::array({0.5, -1}));
  EXPECT_EQ(out["data"][1]["embedding"], Json::array({0.5, -1}));
  EXPECT_EQ(out["usage"]["prompt_tokens"], 7);
  EXPECT_EQ(out["model"], "openai/text-embedding-3-small");
  ask("/v1/embeddings", R"({"model":"openai/x","input":[[1,2],[3]]})");
  EXPECT_EQ(sent()["input"], Json::parse("[[1,2],[3]]"));
  // Google's words for a task have no place there.
  const auto task = ask_post("/v1beta/models/openai/x:embedContent",
                             R"({"content":{"parts":[{"text":"a"}]},"taskType":"CLUSTERING"})");
  EXPECT_EQ(task.status, 400);
  EXPECT_THAT(task.body, HasSubstr("taskType"));
}

TEST_F(EmbeddingsServer, GeminiIsAskedInItsWords) {
  upstream_answers(200, R"({"embeddings":[{"values":[1,2]},{"values":[3,4]}]})");
  const Json out = ask("/v1beta/models/google/gemini-embedding-001:batchEmbedContents",
                       R"({"requests":[{"content":{"parts":[{"text":"a"}]},"taskType":"CLUSTERING"},
                                       {"content":{"parts":[{"text":"b"}]},"title":"t"}]})");
  EXPECT_EQ(sent_path(), "/v1beta/models/gemini-embedding-001:batchEmbedContents");
  EXPECT_EQ(sent(), Json::parse(R"({"requests":[
      {"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},
       "taskType":"CLUSTERING"},
      {"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"title":"t"}]})"));
  EXPECT_EQ(out, Json::parse(R"({"embeddings":[{"values":[1.0,2.0]},{"values":[3.0,4.0]}]})"));
  const Json ids = ask("/v1/embeddings", R"({"model":"google/x","input":[1,2]})", 400);
  EXPECT_EQ(ids["error"]["param"], "input");
}

TEST_F(EmbeddingsServer, OllamaIsAskedInItsWords) {
  upstream_answers(200, R"({"model":"m","embeddings":[[1,2]],"prompt_eval_count":3})");
  const Json out = ask("/api/embed", R"({"model":"ollama/m","input":"a","options":{"num_ctx":9}})");
  EXPECT_EQ(sent_path(), "/api/embed");
  EXPECT_EQ(sent(), Json::parse(R"({"model":"m","input":["a"],"truncate":true,
                                    "options":{"num_ctx":9}})"));
  EXPECT_EQ(out["embeddings"], Json::parse("[[1,2]]"));
  ask("/v1/embeddings", R"({"model":"ollama/m","input":"a"})");
  EXPECT_EQ(sent()["truncate"], false);
}

// An upstream that breaks its word is an error of the gateway, never half an answer.
TEST_F(EmbeddingsServer, ABrokenAnswerIsAnError) {
  for (const char* reply :
       {"", "{", "[]", "{}", R"({"data":[]})", R"({"data":[{"index":0,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[1]}]})",
        R"({"data":[{"index":-1,"embedding":[1]},{"index":1,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":["a"]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1e39]}]})",
        R"({"data":[{"index":0,"embedding":"AACAfw=="},{"index":1,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":"AAA"},{"index":1,"embedding":[1]}]})",
        R"({"data":[1,2]})"}) {
    upstream_answers(200, reply);
    const Json out = ask("/v1/embeddings", R"({"model":"openai/x","input":["a","b"]})", 502);
    EXPECT_FALSE(out["error"]["message"].get<std::string>().empty()) << reply;
  }
  upstream_answers(429, R"({"error":{"message":"slow down","type":"rate_limit","code":null}})");
  EXPECT_THAT(ask("/v1/embeddings", R"({"model":"openai/x","input":"a"})", 429)["error"]["message"]
                  .get<std::string>(),
              HasSubstr("slow down"));
}

}  // namespace
}  // namespace overtake
