#include "wire/ollama/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/ollama/dialect.h"
#include "wire/ollama/model.h"

namespace overtake::ollama {
namespace {

const wire::AnswerIdentity kIdentity = {"", 1700000000, "m"};

// The lines of an answer to `events`.
std::vector<Json> answer(bool chat, bool stream, const std::vector<Event>& events,
                         std::optional<wire::CallError>* fault = nullptr) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  const auto writer = (chat ? chat_dialect : generate_dialect).make_writer(call, kIdentity);
  std::string out;
  for (const Event& event : events) writer->add(0, event, out);
  if (fault) *fault = writer->fault();
  if (!writer->fault()) writer->finish(out);
  std::vector<Json> lines;
  for (size_t begin = 0; begin < out.size();) {
    const size_t end = std::min(out.find('\n', begin), out.size());
    lines.push_back(Json::parse(out.substr(begin, end - begin)));
    begin = end + 1;
  }
  EXPECT_EQ(out.ends_with('\n'), stream && !out.empty());
  return lines;
}

UsageEvent usage_of(int64_t prompt, int64_t completion) {
  UsageEvent usage;
  usage.prompt_tokens = prompt;
  usage.completion_tokens = completion;
  usage.prefill_us = 3;
  usage.decode_us = 7;
  return usage;
}

TEST(OllamaAnswer, StreamsLinesAndEndsWithCounts) {
  const auto lines =
      answer(true, true,
             {StartedEvent{"m", 3, {}}, ReasoningEvent{"hm"}, TextEvent{"a\"", {}},
              TextEvent{"é", {}}, usage_of(3, 2), FinishedEvent{FinishReason::kLength, ""}});
  ASSERT_EQ(lines.size(), 4u);
  const std::string head = R"({"model":"m","created_at":"2023-11-14T22:13:20Z",)";
  EXPECT_EQ(lines[0].dump(),
            head + R"("message":{"role":"assistant","content":"","thinking":"hm"},"done":false})");
  EXPECT_EQ(lines[1].dump(),
            head + R"("message":{"role":"assistant","content":"a\""},"done":false})");
  EXPECT_EQ(lines[2]["message"]["content"], "é");
  const Json& last = lines[3];
  EXPECT_EQ(last["message"]["content"], "");
  EXPECT_EQ(last["done"], true);
  EXPECT_EQ(last["done_reason"], "length");
  EXPECT_EQ(last["prompt_eval_count"], 3);
  EXPECT_EQ(last["eval_count"], 2);
  EXPECT_EQ(last["prompt_eval_duration"], 3000);
  EXPECT_EQ(last["eval_duration"], 7000);
  EXPECT_GE(last["total_duration"], 10000);
  EXPECT_EQ(last["load_duration"], 0);
}

TEST(OllamaAnswer, IsWholeInOneObject) {
  const auto lines = answer(
      false, false,
      {StartedEvent{"m", 3, {}}, ReasoningEvent{"h"}, ReasoningEvent{"m"}, TextEvent{"a", {}},
       TextEvent{"b", {}}, RefusalEvent{"c"}, usage_of(3, 2), FinishedEvent{}});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["response"], "abc");
  EXPECT_EQ(lines[0]["thinking"], "hm");
  EXPECT_EQ(lines[0]["done_reason"], "stop");
  EXPECT_EQ(lines[0]["eval_count"], 2);
}

// Clients divide tokens by durations.
TEST(OllamaAnswer, NeverTellsADurationOfZero) {
  const auto last = answer(true, true, {UsageEvent{}, FinishedEvent{}}).back();
  for (const char* name : {"total_duration", "prompt_eval_duration", "eval_duration"}) {
    EXPECT_GT(last[name], 0) << name;
  }
}

TEST(OllamaAnswer, WritesEachToolCallWholeWithArgumentsAsAnObject) {
  const auto lines =
      answer(true, true,
             {ToolEvent{0, "c0", "f", "{\"x\""}, ToolEvent{1, "c1", "g", ""},
              ToolEvent{0, "", "", ":1}"}, TextEvent{"t"}, ToolEvent{2, "c2", "h", ""},
              UsageEvent{}, FinishedEvent{FinishReason::kToolCalls}});
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["message"]["tool_calls"].dump(),
            R"([{"id":"c0","function":{"index":0,"name":"f","arguments":{"x":1}}},)"
            R"({"id":"c1","function":{"index":1,"name":"g","arguments":{}}}])");
  EXPECT_EQ(lines[1]["message"]["tool_calls"].dump(),
            R"([{"id":"c2","function":{"index":2,"name":"h","arguments":{}}}])");
  EXPECT_FALSE(lines[2]["message"].contains("tool_calls"));
  EXPECT_EQ(lines[2]["done_reason"], "stop");

  const auto whole = answer(true, false,
                            {ToolEvent{0, "", "f", "{}"}, ToolEvent{1, "", "g", "{}"}, UsageEvent{},
                             FinishedEvent{FinishReason::kToolCalls}});
  EXPECT_EQ(whole.at(0)["message"]["tool_calls"].size(), 2u);
}

TEST(OllamaAnswer, BrokenArgumentsAreAFault) {
  std::optional<wire::CallError> fault;
  for (const char* arguments : {"{\"x\":", "[1]", "nonsense"}) {
    answer(true, true, {ToolEvent{0, "c", "f", arguments}, UsageEvent{}, FinishedEvent{}}, &fault);
    ASSERT_TRUE(fault) << arguments;
    EXPECT_EQ(fault->status, 502);
  }
  // Cut by the length, as the answer says.
  const auto lines = answer(
      true, true,
      {ToolEvent{0, "c", "f", "{\"x\":"}, UsageEvent{}, FinishedEvent{FinishReason::kLength}},
      &fault);
  EXPECT_FALSE(fault);
  EXPECT_EQ(lines.back()["done_reason"], "length");
}

TEST(OllamaAnswer, TellsLogprobs) {
  TokenLogprob token{1, "a", -0.5, {{2, "b", -1}}};
  const auto lines = answer(true, true, {TextEvent{"a", {token}}, UsageEvent{}, FinishedEvent{}});
  EXPECT_EQ(lines[0]["logprobs"].dump(),
            R"([{"token":"a","logprob":-0.5,"bytes":[97],)"
            R"("top_logprobs":[{"token":"b","logprob":-1.0,"bytes":[98]}]}])");
}

TEST(OllamaError, IsOneString) {
  const auto error = wire::invalid_field("options.seed", "options.seed: \"x\"");
  EXPECT_EQ(chat_dialect.error_body(error), R"({"error":"options.seed: \"x\""})");
  EXPECT_EQ(chat_dialect.stream_error(error), R"({"error":"options.seed: \"x\""})"
                                              "\n");
}

TEST(OllamaModel, IsDescribed) {
  GeneratorInfo info;
  info.name = "smollm2";
  info.created_s = 1700000000;
  info.context_length = 2048;
  info.architecture = "llama";
  info.n_parameters = 134515008;
  info.size_bytes = 77;
  const Json tag = tag_json(info);
  EXPECT_EQ(tag["name"], "smollm2:latest");
  EXPECT_EQ(tag["model"], "smollm2:latest");
  EXPECT_EQ(tag["size"], 77);
  EXPECT_EQ(tag["digest"].get<std::string>().size(), 64u);
  EXPECT_EQ(tag["details"]["parameter_size"], "134.52M");
  EXPECT_EQ(tag["modified_at"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(running_json(info)["context_length"], 2048);
  const Json show = show_json(info);
  EXPECT_EQ(show["model_info"]["general.architecture"], "llama");
  EXPECT_EQ(show["model_info"]["llama.context_length"], 2048);
  EXPECT_EQ(show["capabilities"].dump(), R"(["completion"])");
}

}  // namespace
}  // namespace overtake::ollama
