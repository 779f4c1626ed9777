#include "wire/gemini/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/gemini/dialect.h"
#include "wire/gemini/model.h"

namespace overtake::gemini {
namespace {

using Events = std::vector<std::pair<int, Event>>;

std::string answer(const wire::Dialect& dialect, bool stream, const Events& events, int n = 1,
                   std::optional<wire::CallError>* fault = nullptr) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  call.n = n;
  const auto writer = dialect.make_writer(call, {"r", 1700000000, "m"});
  std::string out;
  for (const auto& [index, event] : events) writer->add(index, event, out);
  if (fault) *fault = writer->fault();
  if (!writer->fault()) writer->finish(out);
  return out;
}

std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> out;
  for (size_t begin = 0; begin < stream.size();) {
    const size_t end = stream.find("\n\n", begin);
    const std::string line = stream.substr(begin, end - begin);
    EXPECT_EQ(line.substr(0, 6), "data: ");
    out.push_back(Json::parse(line.substr(6)));
    begin = end + 2;
  }
  return out;
}

UsageEvent usage_of(int64_t prompt, int64_t completion) {
  UsageEvent usage;
  usage.prompt_tokens = prompt;
  usage.completion_tokens = completion;
  return usage;
}

TEST(GeminiAnswer, IsWholeWithUsage) {
  UsageEvent usage = usage_of(3, 5);
  usage.cached_tokens = 2;
  usage.reasoning_tokens = 4;
  const Json body = Json::parse(answer(event_dialect, false,
                                       {{0, StartedEvent{"m", 3, {}}},
                                        {0, ReasoningEvent{"h"}},
                                        {0, ReasoningEvent{"m", "c2ln"}},
                                        {0, TextEvent{"Par", {}}},
                                        {0, TextEvent{"is\n", {}}},
                                        {0, ToolEvent{0, "c", "f", "{\"x\":", ""}},
                                        {0, ToolEvent{0, "", "", "1}", "dG9v"}},
                                        {0, ToolEvent{1, "", "g", ""}},
                                        {0, usage},
                                        {0, FinishedEvent{FinishReason::kToolCalls}}}));
  EXPECT_EQ(body["candidates"].dump(),
            R"([{"content":{"parts":[{"text":"hm","thought":true,"thoughtSignature":"c2ln"},)"
            R"({"text":"Paris\n"},)"
            R"({"functionCall":{"id":"c","name":"f","args":{"x":1}},"thoughtSignature":"dG9v"},)"
            R"({"functionCall":{"name":"g","args":{}}}],"role":"model"},)"
            R"("finishReason":"STOP","index":0}])");
  EXPECT_EQ(body["usageMetadata"].dump(),
            R"({"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":8,)"
            R"("cachedContentTokenCount":2,"thoughtsTokenCount":4})");
  EXPECT_EQ(body["modelVersion"], "m");
  EXPECT_EQ(body["responseId"], "r");
}

const Events kTwoTexts = {{0, StartedEvent{"m", 3, {}}},
                          {0, TextEvent{"a", {}}},
                          {0, TextEvent{"b", {}}},
                          {0, usage_of(3, 2)},
                          {0, FinishedEvent{FinishReason::kLength, ""}}};

TEST(GeminiAnswer, StreamsWholeObjectsAndNeverDone) {
  const auto events = events_of(answer(event_dialect, true, kTwoTexts));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].dump(),
            R"({"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],)"
            R"("modelVersion":"m","responseId":"r"})");
  EXPECT_EQ(events[1]["candidates"][0]["content"]["parts"][0]["text"], "b");
  EXPECT_EQ(events[2]["candidates"][0]["finishReason"], "MAX_TOKENS");
  EXPECT_EQ(events[2]["usageMetadata"]["totalTokenCount"], 5);
}

TEST(GeminiAnswer, StreamsAnArrayThatAnErrorCanEnd) {
  const Json whole = Json::parse(answer(array_dialect, true, kTwoTexts));
  ASSERT_EQ(whole.size(), 3u);
  EXPECT_EQ(whole[2]["candidates"][0]["finishReason"], "MAX_TOKENS");

  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = true;
  const auto error = array_dialect.stream_error(wire::plain_error(503, "gone"));
  for (size_t n_events = 1; n_events <= 3; ++n_events) {
    const auto writer = array_dialect.make_writer(call, {"r", 1, "m"});
    std::string out;
    for (size_t i = 0; i < n_events; ++i) writer->add(0, kTwoTexts[i].second, out);
    const Json broken = Json::parse(out + error);
    ASSERT_EQ(broken.size(), n_events);
    EXPECT_EQ(broken.back()["error"]["status"], "UNAVAILABLE");
  }
}

TEST(GeminiAnswer, KeepsCandidatesApart) {
  const Json body = Json::parse(answer(event_dialect, false,
                                       {{1, TextEvent{"b", {}}},
                                        {0, TextEvent{"a", {}}},
                                        {0, usage_of(3, 1)},
                                        {0, FinishedEvent{FinishReason::kContentFilter}},
                                        {1, usage_of(3, 1)},
                                        {1, FinishedEvent{}}},
                                       2));
  EXPECT_EQ(body["candidates"][0]["content"]["parts"][0]["text"], "a");
  EXPECT_EQ(body["candidates"][0]["finishReason"], "SAFETY");
  EXPECT_EQ(body["candidates"][1]["content"]["parts"][0]["text"], "b");
  EXPECT_EQ(body["candidates"][1]["finishReason"], "STOP");
  EXPECT_EQ(body["usageMetadata"]["promptTokenCount"], 3);
  EXPECT_EQ(body["usageMetadata"]["candidatesTokenCount"], 2);
}

TEST(GeminiAnswer, BrokenArgumentsAreAFault) {
  std::optional<wire::CallError> fault;
  answer(event_dialect, true, {{0, ToolEvent{0, "", "f", "{\"x\""}}, {0, FinishedEvent{}}}, 1,
         &fault);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status, 502);
  const auto events = events_of(
      answer(event_dialect, true,
             {{0, ToolEvent{0, "", "f", "{\"x\""}}, {0, FinishedEvent{FinishReason::kLength}}}, 1,
             &fault));
  EXPECT_FALSE(fault);
  EXPECT_EQ(events.back()["candidates"][0]["finishReason"], "MAX_TOKENS");
}

TEST(GeminiAnswer, TellsLogprobs) {
  const TokenLogprob token{1, "a", -0.5, {{2, "b", -1}}};
  const Json body = Json::parse(
      answer(event_dialect, false, {{0, TextEvent{"a", {token}}}, {0, FinishedEvent{}}}));
  const Json& candidate = body["candidates"][0];
  EXPECT_EQ(candidate["avgLogprobs"], -0.5);
  EXPECT_EQ(
      candidate["logprobsResult"].dump(),
      R"({"topCandidates":[{"candidates":[{"token":"b","tokenId":2,"logProbability":-1.0}]}],)"
      R"("chosenCandidates":[{"token":"a","tokenId":1,"logProbability":-0.5}]})");
}

TEST(GeminiError, HasCodeMessageAndStatus) {
  EXPECT_EQ(event_dialect.error_body(wire::plain_error(429, "slow down")),
            R"({"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}})");
  const Json body = Json::parse(event_dialect.error_body(wire::invalid_field("contents", "bad")));
  EXPECT_EQ(body["error"]["status"], "INVALID_ARGUMENT");
  EXPECT_EQ(body["error"]["details"][0]["fieldViolations"][0]["field"], "contents");
  EXPECT_EQ(event_dialect.stream_error(wire::plain_error(503, "x")),
            "data: {\"error\":{\"code\":503,\"message\":\"x\",\"status\":\"UNAVAILABLE\"}}\n\n");
}

TEST(GeminiModel, IsDescribed) {
  GeneratorInfo info;
  info.name = "m";
  info.context_length = 2048;
  const Json model = model_json(info);
  EXPECT_EQ(model["name"], "models/m");
  EXPECT_EQ(model["inputTokenLimit"], 2048);
  EXPECT_EQ(model["supportedGenerationMethods"].size(), 3u);
}

}  // namespace
}  // namespace overtake::gemini
