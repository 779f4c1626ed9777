#include "wire/openai/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "wire/openai/error.h"

namespace overtake::openai {
namespace {

using ::testing::ElementsAre;

wire::Call chat_call(bool stream, int n = 1) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  call.n = n;
  return call;
}

UsageEvent usage_of(int64_t prompt, int64_t completion) {
  UsageEvent usage;
  usage.prompt_tokens = prompt;
  usage.completion_tokens = completion;
  return usage;
}

std::string write_all(wire::AnswerWriter& writer,
                      const std::vector<std::pair<int, Event>>& events) {
  std::string out;
  for (const auto& [index, event] : events) writer.add(index, event, out);
  writer.finish(out);
  return out;
}

// The JSON of each `data:` line; the closing [DONE] as a string.
std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> out;
  for (size_t begin = 0; begin < stream.size();) {
    const size_t end = stream.find("\n\n", begin);
    const std::string line = stream.substr(begin, end - begin);
    EXPECT_EQ(line.substr(0, 6), "data: ");
    out.push_back(line == "data: [DONE]" ? Json("[DONE]") : Json::parse(line.substr(6)));
    begin = end + 2;
  }
  return out;
}

const wire::AnswerIdentity kIdentity = {"chatcmpl-1", 1700000000, "m"};

TEST(ChatAnswer, IsWholeWithUsage) {
  const wire::Call call = chat_call(false);
  const auto writer = make_chat_writer(call, kIdentity);
  const Json body = Json::parse(write_all(*writer, {{0, StartedEvent{"m", 3, {}}},
                                                    {0, TextEvent{"Par", {}}},
                                                    {0, TextEvent{"is \"\n", {}}},
                                                    {0, usage_of(3, 2)},
                                                    {0, FinishedEvent{}}}));
  EXPECT_EQ(body["id"], "chatcmpl-1");
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["created"], 1700000000);
  EXPECT_EQ(body["model"], "m");
  EXPECT_TRUE(body["system_fingerprint"].is_string());
  EXPECT_EQ(body["choices"].dump(),
            R"([{"index":0,"message":{"role":"assistant","content":"Paris \"\n","refusal":null},)"
            R"("logprobs":null,"finish_reason":"stop"}])");
  EXPECT_EQ(body["usage"].dump(), R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,)"
                                  R"("prompt_tokens_details":{"cached_tokens":0},)"
                                  R"("completion_tokens_details":{"reasoning_tokens":0}})");
}

TEST(ChatAnswer, CountsGuessesOfTheAnswerWhereThereWereAny) {
  const wire::Call call = chat_call(false);
  const auto writer = make_chat_writer(call, kIdentity);
  UsageEvent usage = usage_of(3, 9);
  usage.accepted_draft_tokens = 5;
  usage.rejected_draft_tokens = 2;
  const Json body = Json::parse(
      write_all(*writer, {{0, StartedEvent{"m", 3, {}}}, {0, usage}, {0, FinishedEvent{}}}));
  EXPECT_EQ(body["usage"]["completion_tokens_details"].dump(),
            R"({"reasoning_tokens":0,"accepted_prediction_tokens":5,)"
            R"("rejected_prediction_tokens":2})");
}

TEST(ChatAnswer, StreamsInTheDocumentedOrder) {
  wire::Call call = chat_call(true);
  call.include_usage = true;
  const auto writer = make_chat_writer(call, kIdentity);
  const auto events =
      events_of(write_all(*writer, {{0, StartedEvent{"m", 3, {}}},
                                    {0, TextEvent{"é\"", {}}},
                                    {0, TextEvent{"b", {}}},
                                    {0, usage_of(3, 2)},
                                    {0, FinishedEvent{FinishReason::kLength, ""}}}));
  ASSERT_EQ(events.size(), 6u);
  std::vector<std::string> choices;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(events[i]["object"], "chat.completion.chunk");
    EXPECT_EQ(events[i]["id"], "chatcmpl-1");
    EXPECT_EQ(events[i]["created"], 1700000000);
    EXPECT_TRUE(events[i].contains("usage") && events[i]["usage"].is_null());
    choices.push_back(events[i]["choices"][0].dump());
  }
  EXPECT_THAT(
      choices,
      ElementsAre(
          R"({"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null})",
          R"({"index":0,"delta":{"content":"é\""},"logprobs":null,"finish_reason":null})",
          R"({"index":0,"delta":{"content":"b"},"logprobs":null,"finish_reason":null})",
          R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"length"})"));
  EXPECT_EQ(events[4]["choices"], Json::array());
  EXPECT_EQ(events[4]["usage"]["total_tokens"], 5);
  EXPECT_EQ(events[5], "[DONE]");
}

TEST(ChatAnswer, SendsNoUsageUnasked) {
  const wire::Call call = chat_call(true);
  const auto writer = make_chat_writer(call, kIdentity);
  const std::string stream =
      write_all(*writer, {{0, StartedEvent{}}, {0, usage_of(3, 2)}, {0, FinishedEvent{}}});
  EXPECT_EQ(stream.find("usage"), std::string::npos);
}

TEST(ChatAnswer, CountsThePromptOfSeveralChoicesOnce) {
  const wire::Call call = chat_call(false, 2);
  const auto writer = make_chat_writer(call, kIdentity);
  const Json body = Json::parse(write_all(*writer, {{1, TextEvent{"b", {}}},
                                                    {0, TextEvent{"a", {}}},
                                                    {1, usage_of(3, 2)},
                                                    {1, FinishedEvent{}},
                                                    {0, usage_of(3, 4)},
                                                    {0, FinishedEvent{}}}));
  EXPECT_EQ(body["choices"][0]["message"]["content"], "a");
  EXPECT_EQ(body["choices"][1]["message"]["content"], "b");
  EXPECT_EQ(body["choices"][1]["index"], 1);
  EXPECT_EQ(body["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(body["usage"]["completion_tokens"], 6);
}

TEST(ChatAnswer, WritesLogprobsWithExactBytes) {
  wire::Call call = chat_call(true);
  call.request.top_logprobs = 1;
  const auto writer = make_chat_writer(call, kIdentity);
  TextEvent text{"é", {{5, "\xc3", -0.5, {{5, "\xc3", -0.5}}}, {6, "\xa9", -0.25, {}}}};
  const auto events = events_of(write_all(*writer, {{0, text}, {0, FinishedEvent{}}}));
  EXPECT_EQ(events[0]["choices"][0]["logprobs"].dump(),
            R"({"content":[{"token":"�","logprob":-0.5,"bytes":[195],"top_logprobs":[)"
            R"({"token":"�","logprob":-0.5,"bytes":[195]}]},)"
            R"({"token":"�","logprob":-0.25,"bytes":[169],"top_logprobs":[]}],"refusal":null})");
}

// Clients add deltas up: an id or a name sent twice would be doubled.
TEST(ChatAnswer, SendsToolNamesOnce) {
  const wire::Call call = chat_call(true);
  const auto writer = make_chat_writer(call, kIdentity);
  const auto events =
      events_of(write_all(*writer, {{0, ToolEvent{0, "c1", "f", ""}},
                                    {0, ToolEvent{0, "", "", "{\"a\""}},
                                    {0, FinishedEvent{FinishReason::kToolCalls, ""}}}));
  EXPECT_EQ(events[0]["choices"][0]["delta"]["tool_calls"].dump(),
            R"([{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}])");
  EXPECT_EQ(events[1]["choices"][0]["delta"]["tool_calls"].dump(),
            R"([{"index":0,"function":{"arguments":"{\"a\""}}])");
  EXPECT_EQ(events[2]["choices"][0]["finish_reason"], "tool_calls");

  const wire::Call whole = chat_call(false);
  const auto body_writer = make_chat_writer(whole, kIdentity);
  const Json body = Json::parse(write_all(
      *body_writer,
      {{0, ToolEvent{0, "c1", "f", ""}}, {0, ToolEvent{0, "", "", "{}"}}, {0, FinishedEvent{}}}));
  EXPECT_TRUE(body["choices"][0]["message"]["content"].is_null());
  EXPECT_EQ(body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{}");
}

TEST(ChatAnswer, NamesToolCallsThatHaveNoId) {
  const std::vector<std::pair<int, Event>> events = {
      {0, ToolEvent{0, "", "f", ""}},
      {0, ToolEvent{0, "", "", "{}"}},
      {0, ToolEvent{1, "", "f", "{}"}},
      {0, FinishedEvent{FinishReason::kToolCalls, ""}}};
  const wire::AnswerIdentity identity{"chatcmpl-01a20b2f-a952-77e2-b5c5-29c6f794c3a8", 1, "m"};
  const wire::Call call = chat_call(true);
  const auto chunks = events_of(write_all(*make_chat_writer(call, identity), events));
  const wire::Call whole = chat_call(false);
  const Json body = Json::parse(write_all(*make_chat_writer(whole, identity), events));
  const Json& calls = body["choices"][0]["message"]["tool_calls"];
  EXPECT_EQ(calls[0]["id"], "call_77e2b5c529c6f794c3a8_0_0");
  EXPECT_EQ(calls[1]["id"], "call_77e2b5c529c6f794c3a8_0_1");
  const auto delta = [&](size_t i) { return chunks[i]["choices"][0]["delta"]["tool_calls"][0]; };
  EXPECT_EQ(delta(0)["id"], calls[0]["id"]);
  EXPECT_EQ(delta(0)["type"], "function");
  EXPECT_FALSE(delta(1).contains("id"));
  EXPECT_EQ(delta(2)["id"], calls[1]["id"]);
}

TEST(CompletionAnswer, EchoesThePromptWithItsLogprobs) {
  wire::Call call;
  call.prompts.emplace_back(TextPrompt{"né"});
  call.echo = true;
  call.request.top_logprobs = 1;
  StartedEvent started{
      "m", 3, {{1, "n", 0, {}}, {2, "\xc3", -1, {{2, "\xc3", -1}}}, {3, "\xa9", -2, {}}}};
  TextEvent text{"!", {{4, "!", -3, {{9, "?", -0.5}}}}};
  const auto writer = make_completion_writer(call, {"cmpl-1", 1, "m"});
  const Json body = Json::parse(
      write_all(*writer, {{0, started}, {0, text}, {0, usage_of(3, 1)}, {0, FinishedEvent{}}}));
  EXPECT_EQ(body["object"], "text_completion");
  EXPECT_EQ(
      body["choices"].dump(),
      R"([{"text":"né!","index":0,"logprobs":{"tokens":["n","bytes:\\xc3","bytes:\\xa9","!"],)"
      R"("token_logprobs":[null,-1.0,-2.0,-3.0],"top_logprobs":[null,{"bytes:\\xc3":-1.0},)"
      R"({"bytes:\\xa9":-2.0},{"?":-0.5,"!":-3.0}],"text_offset":[0,1,2,2]},)"
      R"("finish_reason":"stop"}])");
}

TEST(CompletionAnswer, StreamsChunks) {
  wire::Call call;
  call.prompts.emplace_back(TextPrompt{"p"});
  call.stream = true;
  const auto writer = make_completion_writer(call, {"cmpl-1", 1, "m"});
  const auto events = events_of(write_all(
      *writer,
      {{0, StartedEvent{}}, {0, TextEvent{"a", {}}}, {0, usage_of(1, 1)}, {0, FinishedEvent{}}}));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["choices"].dump(),
            R"([{"text":"a","index":0,"logprobs":null,"finish_reason":null}])");
  EXPECT_EQ(events[1]["choices"].dump(),
            R"([{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}])");
  EXPECT_EQ(events[2], "[DONE]");
}

TEST(OpenAiError, HasTheShapeThatClientsParse) {
  EXPECT_EQ(error_json(wire::to_call_error({ErrorCode::kContextLength, "too long"})),
            R"({"error":{"message":"too long","type":"invalid_request_error","param":"messages",)"
            R"("code":"context_length_exceeded"}})");
  EXPECT_EQ(
      error_json(wire::plain_error(404, "no")),
      R"({"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(stream_error(wire::plain_error(503, "x")).substr(0, 17), "data: {\"error\":{\"");
}

TEST(OpenAiError, EveryCodeHasAStatus) {
  const std::pair<ErrorCode, int> cases[] = {
      {ErrorCode::kInvalidArgument, 400}, {ErrorCode::kNotFound, 404},
      {ErrorCode::kDamaged, 500},         {ErrorCode::kUnsupported, 400},
      {ErrorCode::kContextLength, 400},   {ErrorCode::kExhausted, 503},
      {ErrorCode::kUnauthenticated, 401}, {ErrorCode::kPermissionDenied, 403},
      {ErrorCode::kCancelled, 503},       {ErrorCode::kDeadline, 504},
      {ErrorCode::kUnavailable, 503},     {ErrorCode::kIo, 500},
      {ErrorCode::kInternal, 500},
  };
  for (const auto& [code, status] : cases) {
    const wire::CallError error = wire::to_call_error({code, "/secret/path"});
    EXPECT_EQ(error.status, status);
    // What broke inside is for the log.
    EXPECT_EQ(error.message.find("secret") == std::string::npos, status == 500);
  }
}

}  // namespace
}  // namespace overtake::openai
