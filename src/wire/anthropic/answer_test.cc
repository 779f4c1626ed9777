#include "wire/anthropic/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json.h"
#include "wire/anthropic/dialect.h"
#include "wire/anthropic/model.h"

namespace overtake::anthropic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string write(const std::vector<Event>& events, wire::Call call) {
  const auto writer = make_messages_writer(call, {"msg_1", 7, "m"});
  std::string out;
  for (const Event& event : events) writer->add(0, event, out);
  writer->finish(out);
  return out;
}

wire::Call call_of(bool stream) {
  wire::Call call;
  call.stream = stream;
  call.request.max_tokens = 5;
  call.prompts.emplace_back(ChatPrompt{});
  return call;
}

Json whole(const std::vector<Event>& events) { return Json::parse(write(events, call_of(false))); }

// The events of a stream; each "event:" line names its data's type.
std::vector<Json> stream(const std::vector<Event>& events, wire::Call call = call_of(true)) {
  std::vector<Json> out;
  std::string text = write(events, std::move(call));
  while (!text.empty()) {
    const size_t end = text.find("\n\n");
    const size_t line = text.find('\n');
    EXPECT_TRUE(text.starts_with("event: ")) << text;
    const std::string name = text.substr(7, line - 7);
    EXPECT_EQ(text.substr(line + 1, 6), "data: ");
    out.push_back(Json::parse(text.substr(line + 7, end - line - 7)));
    EXPECT_EQ(out.back()["type"], name);
    text.erase(0, end + 2);
  }
  return out;
}

// What a client makes of a stream: blocks come one after the other, each begun, filled, ended.
Json add_up(const std::vector<Json>& events) {
  Json message;
  int open = -1;
  std::string input;
  for (const Json& event : events) {
    const std::string type = event["type"];
    if (type == "message_start") {
      EXPECT_TRUE(message.is_null());
      message = event["message"];
    } else if (type == "content_block_start") {
      EXPECT_EQ(open, -1);
      open = event["index"];
      EXPECT_EQ(open, static_cast<int>(message["content"].size()));
      message["content"].push_back(event["content_block"]);
      input.clear();
    } else if (type == "content_block_delta") {
      EXPECT_EQ(event["index"], open);
      Json& block = message["content"].back();
      for (const auto& [key, value] : event["delta"].items()) {
        if (key == "partial_json") input += value.get<std::string>();
        if (key == "type" || key == "partial_json") continue;
        block[key] = block[key].get<std::string>() + value.get<std::string>();
      }
    } else if (type == "content_block_stop") {
      EXPECT_EQ(event["index"], open);
      if (!input.empty()) message["content"].back()["input"] = Json::parse(input);
      open = -1;
    } else if (type == "message_delta") {
      EXPECT_EQ(open, -1);
      message.update(event["delta"]);
      message["usage"] = event["usage"];
    } else {
      EXPECT_EQ(type, "message_stop");
      EXPECT_EQ(&event, &events.back());
    }
  }
  return message;
}

UsageEvent usage() {
  UsageEvent out;
  out.prompt_tokens = 10;
  out.cached_tokens = 4;
  out.cache_write_tokens = 1;
  out.completion_tokens = 5;
  out.reasoning_tokens = 2;
  return out;
}

TEST(AnthropicAnswer, AMessageOfText) {
  const Json message = whole({StartedEvent{"m", 10, {}}, TextEvent{"Hel", {}}, TextEvent{"lo", {}},
                              usage(), FinishedEvent{}});
  EXPECT_EQ(message, Json::parse(R"({"id": "msg_1", "type": "message", "role": "assistant",
      "model": "m", "content": [{"type": "text", "text": "Hello", "citations": null}],
      "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null,
      "usage": {"input_tokens": 5, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 4,
                "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 2}}})"));
}

TEST(AnthropicAnswer, AStreamHasItsEventsInOrder) {
  const auto events = stream({StartedEvent{"m", 10, {}}, TextEvent{"Hi", {}}, TextEvent{"", {}},
                              usage(), FinishedEvent{}});
  std::vector<std::string> types;
  for (const Json& event : events) types.push_back(event["type"]);
  EXPECT_THAT(types, ElementsAre("message_start", "content_block_start", "content_block_delta",
                                 "content_block_stop", "message_delta", "message_stop"));
  EXPECT_EQ(events[0]["message"]["content"], Json::array());
  EXPECT_EQ(events[0]["message"]["usage"]["input_tokens"], 10);
  EXPECT_EQ(events[0]["message"]["stop_reason"], nullptr);
  EXPECT_EQ(events[4]["usage"]["output_tokens"], 5);
  EXPECT_EQ(events[4]["usage"]["input_tokens"], 5);
}

TEST(AnthropicAnswer, StreamedAndWholeSayTheSame) {
  const ToolEvent first{0, "t1", "f", R"({"a":)", {}};
  const ToolEvent second{0, "", "", "1}", {}};
  const ToolEvent third{1, "t2", "g", "", {}};
  const std::vector<std::vector<Event>> cases = {
      {StartedEvent{"m", 10, {}}, usage(), FinishedEvent{}},
      {StartedEvent{"m", 10, {}}, ReasoningEvent{"hm", {}, {}, {}},
       ReasoningEvent{"!", "sig", {}, {}}, ReasoningEvent{"more", {}, {}, {}},
       ReasoningEvent{"", {}, "secret", {}}, TextEvent{"so", {}}, usage(), FinishedEvent{}},
      {StartedEvent{"m", 10, {}}, TextEvent{"look", {}}, first, second, third, usage(),
       FinishedEvent{FinishReason::kToolCalls, {}}},
      {StartedEvent{"m", 10, {}}, RefusalEvent{"no"}, usage(),
       FinishedEvent{FinishReason::kRefusal, {}}},
      {TextEvent{"without a start", {}}, usage(), FinishedEvent{FinishReason::kLength, {}}},
  };
  for (const auto& events : cases) EXPECT_EQ(add_up(stream(events)), whole(events));
  const Json thought = whole(cases[1])["content"];
  EXPECT_EQ(thought, Json::parse(R"([{"type": "thinking", "thinking": "hm!", "signature": "sig"},
      {"type": "thinking", "thinking": "more", "signature": ""},
      {"type": "redacted_thinking", "data": "secret"},
      {"type": "text", "text": "so", "citations": null}])"));
  const Json tools = whole(cases[2])["content"];
  EXPECT_EQ(tools[1], Json::parse(R"({"type": "tool_use", "id": "t1", "name": "f",
                                      "input": {"a": 1}})"));
  EXPECT_EQ(tools[2]["input"], Json::object());
}

TEST(AnthropicAnswer, CallsThatComeSideBySideBecomeBlocksInTurn) {
  const std::vector<Event> events = {StartedEvent{"m", 10, {}},
                                     ToolEvent{0, "t1", "f", R"({"a":)", {}},
                                     ToolEvent{1, "t2", "g", R"({"b")", {}},
                                     ToolEvent{2, "t3", "h", "", {}},
                                     ToolEvent{0, "", "", "1}", {}},
                                     ToolEvent{1, "", "", ":2}", {}},
                                     ToolEvent{2, "", "", "{}", {}},
                                     usage(),
                                     FinishedEvent{FinishReason::kToolCalls, {}}};
  const Json message = add_up(stream(events));
  EXPECT_EQ(message, whole(events));
  EXPECT_EQ(message["content"][0]["input"], Json::parse(R"({"a": 1})"));
  EXPECT_EQ(message["content"][1]["input"], Json::parse(R"({"b": 2})"));
  EXPECT_EQ(message["content"][2]["id"], "t3");
}

TEST(AnthropicAnswer, ACallWithoutIdGetsOne) {
  const std::vector<Event> events = {ToolEvent{0, "", "f", "", {}}, ToolEvent{1, "", "g", "{}", {}},
                                     usage(), FinishedEvent{FinishReason::kToolCalls, {}}};
  const Json message = whole(events);
  EXPECT_EQ(message["content"][0]["id"], "toolu_1_0");
  EXPECT_EQ(message["content"][1]["id"], "toolu_1_1");
  EXPECT_EQ(add_up(stream(events)), message);
}

TEST(AnthropicAnswer, ArgumentsThatAreNoObjectAreAFault) {
  for (const char* arguments : {"{\"a", "[1]", "{}}"}) {
    for (const bool streamed : {false, true}) {
      const wire::Call call = call_of(streamed);
      const auto writer = make_messages_writer(call, {"msg_1", 7, "m"});
      std::string out;
      for (const Event& event : std::vector<Event>{ToolEvent{0, "t", "f", arguments, {}}, usage(),
                                                   FinishedEvent{FinishReason::kToolCalls, {}}}) {
        writer->add(0, event, out);
      }
      if (!writer->fault()) writer->finish(out);
      ASSERT_TRUE(writer->fault()) << arguments;
      EXPECT_EQ(writer->fault()->status, 502);
    }
  }
}

TEST(AnthropicAnswer, StopReasons) {
  const struct {
    FinishedEvent finished;
    const char* reason;
  } cases[] = {
      {{FinishReason::kStop, {}, {}}, "end_turn"},
      {{FinishReason::kStop, "END", {}}, "stop_sequence"},
      {{FinishReason::kStop, {}, "pause_turn"}, "pause_turn"},
      {{FinishReason::kLength, {}, {}}, "max_tokens"},
      {{FinishReason::kLength, {}, "length"}, "max_tokens"},
      {{FinishReason::kLength, {}, "model_context_window_exceeded"},
       "model_context_window_exceeded"},
      {{FinishReason::kToolCalls, {}, {}}, "tool_use"},
      {{FinishReason::kContentFilter, {}, {}}, "refusal"},
      {{FinishReason::kRefusal, {}, {}}, "refusal"},
  };
  for (const auto& [finished, reason] : cases) {
    const Json message = whole({usage(), finished});
    EXPECT_EQ(message["stop_reason"], reason);
    EXPECT_EQ(message["stop_sequence"],
              finished.stop_sequence.empty() ? Json(nullptr) : Json(finished.stop_sequence));
  }
  UsageEvent fewer = usage();  // than max_tokens: it was the context that ended
  fewer.completion_tokens = 4;
  EXPECT_EQ(whole({fewer, FinishedEvent{FinishReason::kLength, {}, {}}})["stop_reason"],
            "model_context_window_exceeded");
}

TEST(AnthropicAnswer, HiddenThoughtsKeepTheirProofOnly) {
  wire::Call call = call_of(true);
  call.request.reasoning.shown = false;
  const std::vector<Event> events = {ReasoningEvent{"hm", {}, {}, {}},
                                     ReasoningEvent{"", "s", {}, {}}, usage(), FinishedEvent{}};
  const Json expected = Json::parse(R"({"type": "thinking", "thinking": "", "signature": "s"})");
  EXPECT_EQ(add_up(stream(events, call))["content"][0], expected);
  call.stream = false;
  EXPECT_EQ(Json::parse(write(events, call))["content"][0], expected);
}

TEST(AnthropicError, TypesByStatus) {
  const std::pair<int, const char*> cases[] = {
      {400, "invalid_request_error"}, {401, "authentication_error"},  {403, "permission_error"},
      {404, "not_found_error"},       {405, "invalid_request_error"}, {408, "timeout_error"},
      {413, "request_too_large"},     {429, "rate_limit_error"},      {500, "api_error"},
      {503, "overloaded_error"},      {504, "timeout_error"}};
  for (const auto& [status, type] : cases) {
    wire::CallError error = wire::plain_error(status, "why");
    error.request_id = "r";
    const Json body = Json::parse(messages_dialect.error_body(error));
    EXPECT_EQ(body, Json({{"type", "error"},
                          {"error", Json{{"type", type}, {"message", "why"}}},
                          {"request_id", "r"}}));
    EXPECT_EQ(messages_dialect.stream_error(error),
              "event: error\ndata: " + dump_json(body) + "\n\n");
  }
  const auto full = wire::to_call_error({ErrorCode::kExhausted, "the queue is full"});
  EXPECT_EQ(messages_dialect.status_of(full), 529);
  EXPECT_THAT(messages_dialect.error_body(full), HasSubstr("overloaded_error"));
}

TEST(AnthropicModel, HasItsDateAsText) {
  GeneratorInfo info;
  info.name = "m";
  info.created_s = 951'782'400;
  info.context_length = 8;
  EXPECT_EQ(model_json(info), Json::parse(R"({"type": "model", "id": "m", "display_name": "m",
      "created_at": "2000-02-29T00:00:00Z", "lifecycle": "active", "max_input_tokens": 8,
      "max_tokens": 8})"));
  EXPECT_EQ(model_list_json({})["first_id"], nullptr);
}

}  // namespace
}  // namespace overtake::anthropic
