// Ollama's endpoints over a scripted generator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"
#include "served.h"

namespace overtake {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kChat = R"({"messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kWholeChat =
    R"({"stream":false,"messages":[{"role":"user","content":"hi"}]})";

class OllamaServerTest : public testing::Served {
 protected:
  static std::vector<Json> lines(const std::string& body) {
    std::vector<Json> out;
    for (size_t begin = 0; begin < body.size();) {
      const size_t end = body.find('\n', begin);
      out.push_back(Json::parse(body.substr(begin, end - begin)));
      if (end == body.npos) break;
      begin = end + 1;
    }
    return out;
  }
};

TEST_F(OllamaServerTest, StreamsLinesUnlessToldNotTo) {
  scripted_->set("three", {.n_tokens = 3});
  const auto stream = ask_post("/api/chat", kChat, "three");
  EXPECT_THAT(stream.head, HasSubstr("Content-Type: application/x-ndjson"));
  std::string text;
  const auto all = lines(stream.body);
  for (const Json& line : all) text += line["message"]["content"].get<std::string>();
  EXPECT_EQ(text, " 0 1 2");
  EXPECT_EQ(all.back()["done"], true);
  EXPECT_EQ(all.back()["eval_count"], 3);

  const auto whole = ask_post("/api/chat", kWholeChat, "three");
  EXPECT_THAT(whole.head, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(Json::parse(whole.body)["message"]["content"], " 0 1 2");
  const auto generated = ask_post("/api/generate", R"({"stream":false,"prompt":"p"})", "three");
  EXPECT_EQ(Json::parse(generated.body)["response"], " 0 1 2");
}

TEST_F(OllamaServerTest, TellsReasoningAndToolCalls) {
  scripted_->set("tool", {.n_tokens = 1,
                          .first = {ReasoningEvent{"hm"}, ToolEvent{0, "c", "f", "{\"x\":"},
                                    ToolEvent{0, "", "", "1}"}}});
  const Json message = Json::parse(ask_post("/api/chat", kWholeChat, "tool").body)["message"];
  EXPECT_EQ(message["thinking"], "hm");
  EXPECT_EQ(message["tool_calls"][0]["function"]["arguments"].dump(), R"({"x":1})");
}

TEST_F(OllamaServerTest, BrokenToolCallsAreErrors) {
  scripted_->set("broken", {.n_tokens = 1, .first = {ToolEvent{0, "c", "f", "{\"x\":"}}});
  const auto whole = ask_post("/api/chat", kWholeChat, "broken");
  EXPECT_EQ(whole.status, 502);
  EXPECT_THAT(Json::parse(whole.body)["error"].get<std::string>(), HasSubstr("\"f\""));
  const auto last = lines(ask_post("/api/chat", kChat, "broken").body).back();
  EXPECT_TRUE(last["error"].is_string());
}

TEST_F(OllamaServerTest, FailuresMidwayAreNeverShortSuccesses) {
  scripted_->set("late", {.n_tokens = 5, .fail = Error{ErrorCode::kUnavailable, "gone"}});
  const auto stream = ask_post("/api/chat", kChat, "late");
  EXPECT_EQ(stream.status, 200);
  EXPECT_THAT(stream.body, Not(HasSubstr("\"done\":true")));
  EXPECT_EQ(lines(stream.body).back().dump(), R"({"error":"gone"})");
  EXPECT_EQ(ask_post("/api/chat", kWholeChat, "late").status, 503);
}

TEST_F(OllamaServerTest, RefusesByNameInItsOwnShape) {
  const auto error = [](const testing::RawClient::Response& response) {
    return Json::parse(response.body)["error"].get<std::string>();
  };
  const struct {
    const char* path;
    const char* body;
    int status;
    const char* words;
  } cases[] = {
      {"/api/chat", "{", 400, "request body"},
      {"/api/chat", "[]", 400, "JSON object"},
      {"/api/chat", R"({"model":"other","messages":[{"role":"user","content":"x"}]})", 404,
       "\"other\""},
      {"/api/chat", R"({"messages":[{"role":"user","content":"x","images":["aGk="]}]})", 400,
       "messages[0].images: scripted does not support images"},
      {"/api/chat",
       R"({"messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":"f"}}]})", 400,
       "tools: scripted does not support tool calls"},
      {"/api/generate", R"({"prompt":"p","suffix":"s"})", 400, "suffix: "},
      {"/api/show", R"({"model":"other"})", 404, "\"other\""},
      {"/api/show", "{}", 400, "model: "},
      {"/api/pull", R"({"model":"m"})", 404, "/api/pull"},
      {"/api/tags", "{}", 405, "/api/tags takes GET"},
  };
  for (const auto& one : cases) {
    const auto response = ask_post(one.path, one.body);
    EXPECT_EQ(response.status, one.status) << one.body;
    EXPECT_THAT(error(response), HasSubstr(one.words));
  }
  EXPECT_THAT(error(ask_get("/api/nothing")), HasSubstr("/api/nothing"));
}

TEST_F(OllamaServerTest, ListsAndDescribesModels) {
  const Json tags = Json::parse(ask_get("/api/tags").body)["models"];
  ASSERT_EQ(tags.size(), 2u);
  EXPECT_EQ(tags[0]["name"], "scripted:latest");
  EXPECT_EQ(Json::parse(ask_get("/api/ps").body)["models"][1]["name"], "null:latest");
  EXPECT_EQ(Json::parse(ask_get("/api/version").body)["version"], OVERTAKE_VERSION);
  for (const char* body : {R"({"model":"null:latest"})", R"({"name":"null"})"}) {
    const Json show = Json::parse(ask_post("/api/show", body).body);
    EXPECT_EQ(show["capabilities"][0], "completion") << body;
  }
}

TEST_F(OllamaServerTest, LoadingAnswersAtOnce) {
  for (const char* path : {"/api/chat", "/api/generate"}) {
    const Json answer = Json::parse(ask_post(path, R"({"model":"null:latest"})").body);
    EXPECT_EQ(answer["done_reason"], "load") << path;
    EXPECT_EQ(answer["model"], "null");
  }
  EXPECT_EQ(ask_post("/api/generate", R"({"model":"other"})").status, 404);
}

}  // namespace
}  // namespace overtake
