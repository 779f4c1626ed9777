// Gemini's endpoints over a scripted generator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "served.h"

namespace overtake {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHi = R"({"contents":[{"role":"user","parts":[{"text":"hi there"}]}]})";
constexpr const char* kWhole = "/v1beta/models/scripted:generateContent";
constexpr const char* kEvents = "/v1beta/models/scripted:streamGenerateContent?alt=sse";
constexpr const char* kArray = "/v1beta/models/scripted:streamGenerateContent";

class GeminiServerTest : public testing::Served {};

std::string text_of(const Json& body) {
  return body["candidates"][0]["content"]["parts"][0]["text"].get<std::string>();
}

TEST_F(GeminiServerTest, AnswersOnBothVersionsInThreeForms) {
  scripted_->set("three", {.n_tokens = 3});
  for (const char* path : {kWhole, "/v1/models/scripted:generateContent"}) {
    const auto whole = ask_post(path, kHi, "three");
    ASSERT_EQ(whole.status, 200) << whole.body;
    EXPECT_EQ(text_of(Json::parse(whole.body)), " 0 1 2");
  }
  const auto events = ask_post(kEvents, kHi, "three");
  EXPECT_THAT(events.head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(events.body, HasSubstr("\"finishReason\":\"STOP\""));
  EXPECT_THAT(events.body, Not(HasSubstr("[DONE]")));
  const auto array = ask_post(kArray, kHi, "three");
  EXPECT_THAT(array.head, HasSubstr("Content-Type: application/json"));
  std::string text;
  for (const Json& piece : Json::parse(array.body)) text += text_of(piece);
  EXPECT_EQ(text, " 0 1 2");
}

TEST_F(GeminiServerTest, TellsReasoningAndToolCalls) {
  scripted_->set("tool", {.n_tokens = 1,
                          .first = {ReasoningEvent{"hm"}, ToolEvent{0, "", "f", "{\"x\":"},
                                    ToolEvent{0, "", "", "1}"}, ToolEvent{1, "", "g", "{}"}}});
  const Json body = Json::parse(ask_post(kWhole, kHi, "tool").body);
  const Json& parts = body["candidates"][0]["content"]["parts"];
  EXPECT_EQ(parts[0]["thought"], true);
  EXPECT_THAT(body.dump(), HasSubstr(R"({"functionCall":{"name":"f","args":{"x":1}}})"));
  EXPECT_THAT(body.dump(), HasSubstr(R"({"functionCall":{"name":"g","args":{}}})"));
}

TEST_F(GeminiServerTest, FailuresMidwayAreNeverShortSuccesses) {
  scripted_->set("late", {.n_tokens = 5, .fail = Error{ErrorCode::kUnavailable, "gone"}});
  scripted_->set("broken", {.n_tokens = 1, .first = {ToolEvent{0, "", "f", "{\"x\":"}}});
  for (const char* script : {"late", "broken"}) {
    EXPECT_GE(ask_post(kWhole, kHi, script).status, 502) << script;
    const auto events = ask_post(kEvents, kHi, script);
    EXPECT_EQ(events.status, 200);
    EXPECT_THAT(events.body, HasSubstr("data: {\"error\":{\"code\":50"));
    EXPECT_THAT(events.body, Not(HasSubstr("finishReason")));
    const Json array = Json::parse(ask_post(kArray, kHi, script).body);
    EXPECT_EQ(array.back()["error"]["status"], "UNAVAILABLE") << script;
  }
}

TEST_F(GeminiServerTest, RefusesByNameInItsOwnShape) {
  const struct {
    const char* path;
    const char* body;
    int status;
    const char* words;
  } cases[] = {
      {kWhole, "{", 400, "request body"},
      {kWhole, "[]", 400, "JSON object"},
      {kWhole, "{}", 400, "contents: "},
      {"/v1beta/models/other:generateContent", kHi, 404, "other"},
      {"/v1beta/models/other:countTokens", kHi, 404, "other"},
      {"/v1beta/models/scripted:predict", kHi, 404, "predict"},
      {"/v1beta/models/:generateContent", kHi, 404, "no model"},
      {"/v1/models/scripted", kHi, 404, "/v1/models/scripted"},
      {"/v1beta/models", "{}", 405, "takes GET"},
      {"/v1beta/nothing", "{}", 404, "/v1beta/nothing"},
      {kWhole,
       R"({"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}]})", 400,
       "contents.0.parts.0: scripted does not support images"},
      {kWhole,
       R"({"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]})",
       400, "tools: scripted does not support tool calls"},
  };
  for (const auto& one : cases) {
    const auto response = ask_post(one.path, one.body);
    EXPECT_EQ(response.status, one.status) << one.path << one.body;
    const Json error = Json::parse(response.body)["error"];
    EXPECT_EQ(error["code"], one.status) << one.path;
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr(one.words));
    EXPECT_TRUE(error["status"].is_string());
  }
}

TEST_F(GeminiServerTest, CountsTokensAndListsModels) {
  const auto count = ask_post("/v1beta/models/null:countTokens", kHi);
  EXPECT_EQ(count.body, R"({"totalTokens":2})");
  const Json models = Json::parse(ask_get("/v1beta/models").body)["models"];
  EXPECT_EQ(models[0]["name"], "models/scripted");
  EXPECT_EQ(Json::parse(ask_get("/v1beta/models/null").body)["name"], "models/null");
  EXPECT_EQ(ask_get("/v1beta/models/other").status, 404);
}

}  // namespace
}  // namespace overtake
