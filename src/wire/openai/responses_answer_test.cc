// The Responses writer alone: the order of its events, every kind of item, every end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const wire::AnswerIdentity kIdentity = {"resp_u", 1700000000, "m"};

wire::Call call_of(bool stream) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  call.repeated = "{}";
  return call;
}

// Named by their types, numbered from 0.
std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> out;
  for (size_t begin = 0; begin < stream.size();) {
    const size_t end = stream.find("\n\n", begin);
    const size_t data = stream.find("\ndata: ", begin);
    out.push_back(Json::parse(stream.substr(data + 7, end - data - 7)));
    EXPECT_EQ(stream.substr(begin, data - begin),
              "event: " + out.back()["type"].get<std::string>());
    EXPECT_EQ(out.back()["sequence_number"], out.size() - 1);
    begin = end + 2;
  }
  return out;
}

std::vector<std::string> types_of(const std::vector<Json>& events) {
  std::vector<std::string> out;
  for (const Json& event : events) {
    const std::string type = event["type"].get<std::string>().substr(0, 9) == "response."
                                 ? event["type"].get<std::string>().substr(9)
                                 : event["type"].get<std::string>();
    out.push_back(type);
  }
  return out;
}

std::vector<Json> stream_of(const std::vector<Event>& events) {
  const wire::Call call = call_of(true);
  const auto writer = make_responses_writer(call, kIdentity);
  std::string out;
  for (const Event& event : events) writer->add(0, event, out);
  writer->finish(out);
  return events_of(out);
}

const Json& output_of(const std::vector<Json>& events) {
  return events.back()["response"]["output"];
}

UsageEvent usage_of(int64_t prompt, int64_t completion) {
  UsageEvent usage;
  usage.prompt_tokens = prompt;
  usage.completion_tokens = completion;
  return usage;
}

TEST(ResponsesAnswer, TellsATextFromItsBeginningToItsEnd) {
  const auto events = stream_of({StartedEvent{"m", 3, {}}, TextEvent{"Par", {}},
                                 TextEvent{"is", {}}, usage_of(3, 2), FinishedEvent{}});
  EXPECT_THAT(types_of(events),
              ElementsAre("created", "in_progress", "output_item.added", "content_part.added",
                          "output_text.delta", "output_text.delta", "output_text.done",
                          "content_part.done", "output_item.done", "completed"));
  EXPECT_EQ(events[0]["response"]["status"], "in_progress");
  EXPECT_EQ(events[2]["item"]["status"], "in_progress");
  EXPECT_EQ(events[6]["text"], "Paris");
  EXPECT_EQ(output_of(events)[0]["id"], "msg_u_o0");
  EXPECT_EQ(output_of(events)[0], events[8]["item"]);
  const Json& last = events.back()["response"];
  EXPECT_EQ(last["usage"]["total_tokens"], 5);
  EXPECT_GE(last["completed_at"].get<int64_t>(), last["created_at"].get<int64_t>());
  EXPECT_EQ(last["background"], false);
}

TEST(ResponsesAnswer, AWholeAnswerIsTheStreamsLastObject) {
  const std::vector<Event> said = {ReasoningEvent{"hm"}, TextEvent{"so", {}}, RefusalEvent{"no"},
                                   usage_of(1, 2), FinishedEvent{}};
  const wire::Call call = call_of(false);
  const auto writer = make_responses_writer(call, kIdentity);
  std::string out;
  for (const Event& event : said) writer->add(0, event, out);
  EXPECT_THAT(out, IsEmpty());
  writer->finish(out);
  Json whole = Json::parse(out);
  Json streamed = stream_of(said).back()["response"];
  whole.erase("completed_at");
  streamed.erase("completed_at");
  EXPECT_EQ(whole, streamed);
}

TEST(ResponsesAnswer, OpenReasoningIsItsTextAndASummaryIsASummary) {
  const auto open = stream_of(
      {ReasoningEvent{"a"}, ReasoningEvent{"b", "sig"}, TextEvent{"so", {}}, FinishedEvent{}});
  EXPECT_THAT(types_of(open),
              ElementsAre("created", "in_progress", "output_item.added", "content_part.added",
                          "reasoning_text.delta", "reasoning_text.delta", "reasoning_text.done",
                          "content_part.done", "output_item.done", "output_item.added",
                          "content_part.added", "output_text.delta", "output_text.done",
                          "content_part.done", "output_item.done", "completed"));
  const Json& thought = output_of(open)[0];
  EXPECT_EQ(thought["content"], Json::parse(R"([{"type":"reasoning_text","text":"ab"}])"));
  EXPECT_EQ(thought["summary"], Json::array());
  EXPECT_EQ(thought["signature"], "sig");

  const auto told =
      stream_of({ReasoningEvent{"a", {}, {}, {}, true}, ReasoningEvent{"b", {}, {}, {}, true},
                 ReasoningEvent{{}, "sig"}, TextEvent{"so", {}}, FinishedEvent{}});
  EXPECT_THAT(
      types_of(told),
      ElementsAre("created", "in_progress", "output_item.added", "reasoning_summary_part.added",
                  "reasoning_summary_text.delta", "reasoning_summary_text.delta",
                  "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
                  "output_item.added", "content_part.added", "output_text.delta",
                  "output_text.done", "content_part.done", "output_item.done", "completed"));
  for (size_t i = 3; i < 8; ++i) EXPECT_EQ(told[i]["summary_index"], 0);
  EXPECT_EQ(told[7]["part"], Json::parse(R"({"type":"summary_text","text":"ab"})"));
  const Json& summary = output_of(told)[0];
  EXPECT_EQ(summary["summary"], Json::parse(R"([{"type":"summary_text","text":"ab"}])"));
  EXPECT_FALSE(summary.contains("content"));
  EXPECT_EQ(summary["signature"], "sig");
}

TEST(ResponsesAnswer, EncryptedReasoningIsAnItemWithoutText) {
  const auto events =
      stream_of({ReasoningEvent{{}, {}, "enc"}, ReasoningEvent{{}, {}, "enc2"}, FinishedEvent{}});
  EXPECT_THAT(types_of(events),
              ElementsAre("created", "in_progress", "output_item.added", "output_item.done",
                          "output_item.added", "output_item.done", "completed"));
  EXPECT_EQ(output_of(events)[0]["encrypted_content"], "enc");
  EXPECT_EQ(output_of(events)[1]["encrypted_content"], "enc2");
}

TEST(ResponsesAnswer, CallsMayComeSideBySide) {
  const auto events = stream_of({TextEvent{"look", {}}, ToolEvent{0, "a", "f", "{\"x\"", {}},
                                 ToolEvent{1, "", "g", "{}", "s"}, ToolEvent{0, "", "", ":1}", {}},
                                 FinishedEvent{FinishReason::kToolCalls}});
  EXPECT_THAT(
      types_of(events),
      ElementsAre("created", "in_progress", "output_item.added", "content_part.added",
                  "output_text.delta", "output_text.done", "content_part.done", "output_item.done",
                  "output_item.added", "function_call_arguments.delta", "output_item.added",
                  "function_call_arguments.delta", "function_call_arguments.delta",
                  "function_call_arguments.done", "output_item.done",
                  "function_call_arguments.done", "output_item.done", "completed"));
  const Json& output = output_of(events);
  EXPECT_EQ(output[1]["call_id"], "a");
  EXPECT_EQ(output[1]["arguments"], "{\"x\":1}");
  EXPECT_EQ(output[2]["call_id"], "call_u_1");
  EXPECT_EQ(output[2]["signature"], "s");
}

TEST(ResponsesAnswer, ARefusalIsAPartOfAMessage) {
  const auto events = stream_of({TextEvent{"Hm. ", {}}, RefusalEvent{"I can"}, RefusalEvent{"not."},
                                 FinishedEvent{FinishReason::kRefusal}});
  EXPECT_THAT(types_of(events),
              ElementsAre("created", "in_progress", "output_item.added", "content_part.added",
                          "output_text.delta", "output_text.done", "content_part.done",
                          "content_part.added", "refusal.delta", "refusal.delta", "refusal.done",
                          "content_part.done", "output_item.done", "completed"));
  EXPECT_EQ(events[10]["content_index"], 1);
  EXPECT_EQ(output_of(events)[0]["content"][1],
            Json::parse(R"({"type":"refusal","refusal":"I cannot."})"));
}

TEST(ResponsesAnswer, LogProbabilitiesComeWhereTheyWereAskedFor) {
  wire::Call call = call_of(true);
  call.request.top_logprobs = 0;
  const auto writer = make_responses_writer(call, kIdentity);
  std::string out;
  TextEvent text{"a", {}};
  text.logprobs.push_back({1, "a", -0.5, {}});
  writer->add(0, text, out);
  writer->add(0, FinishedEvent{}, out);
  writer->finish(out);
  const auto events = events_of(out);
  EXPECT_EQ(events[4]["logprobs"][0]["token"], "a");
  EXPECT_EQ(output_of(events)[0]["content"][0]["logprobs"][0]["logprob"], -0.5);
  EXPECT_EQ(output_of(stream_of({text, FinishedEvent{}}))[0]["content"][0]["logprobs"],
            Json::array());
}

TEST(ResponsesAnswer, WhatWasCutIsIncomplete) {
  for (const auto& [reason, name] : {std::pair{FinishReason::kLength, "max_output_tokens"},
                                     std::pair{FinishReason::kContentFilter, "content_filter"}}) {
    const auto events = stream_of({TextEvent{"a", {}}, FinishedEvent{reason}});
    EXPECT_EQ(events.back()["type"], "response.incomplete");
    EXPECT_EQ(events.back()["response"]["incomplete_details"]["reason"], name);
    EXPECT_FALSE(events.back()["response"].contains("completed_at"));
    EXPECT_EQ(output_of(events)[0]["status"], "incomplete");
  }
}

TEST(ResponsesAnswer, AFailureEndsWhatIsOpen) {
  const wire::Call call = call_of(true);
  const auto writer = make_responses_writer(call, kIdentity);
  std::string out;
  const wire::CallError error = wire::plain_error(503, "gone");
  EXPECT_FALSE(writer->fail(error, out));  // nothing has been said: the answer is the error
  writer->add(0, TextEvent{"a", {}}, out);
  writer->add(0, ToolEvent{0, "c", "f", "{", {}}, out);
  ASSERT_TRUE(writer->fail(error, out));
  const auto events = events_of(out);
  EXPECT_EQ(events.back()["type"], "response.failed");
  EXPECT_EQ(events.back()["response"]["status"], "failed");
  EXPECT_EQ(events.back()["response"]["error"],
            Json::parse(R"({"code":"server_error","message":"gone"})"));
  EXPECT_EQ(output_of(events)[0]["status"], "completed");
  EXPECT_EQ(output_of(events)[1]["status"], "incomplete");
}

// What a writer of a background answer hands over, and its last event.
struct Kept {
  std::vector<std::string> statuses;
  Json body;
  Json last;
};
Kept background(const std::vector<Event>& events, const std::optional<wire::CallError>& error) {
  Kept kept;
  wire::Call call = call_of(true);
  call.background = true;
  call.keep = [&](const wire::KeptAnswer& answer) {
    kept.statuses.push_back(answer.status);
    kept.body = Json::parse(answer.body);
    EXPECT_EQ(kept.body["output"], Json::parse(answer.items));
  };
  const auto writer = make_responses_writer(call, kIdentity);
  std::string out;
  writer->wait(out);
  for (const Event& event : events) writer->add(0, event, out);
  if (error) {
    EXPECT_TRUE(writer->fail(*error, out));
  } else {
    writer->finish(out);
  }
  const auto all = events_of(out);
  EXPECT_EQ(all[0]["type"], "response.created");
  EXPECT_EQ(all[1]["type"], "response.queued");
  EXPECT_EQ(all[1]["response"]["status"], "queued");
  EXPECT_EQ(all[1]["response"]["background"], true);
  kept.last = all.back();
  return kept;
}

TEST(ResponsesAnswer, InTheBackgroundEveryStateIsKept) {
  const Kept done = background({StartedEvent{"m", 1, {}}, TextEvent{"a", {}}, FinishedEvent{}}, {});
  EXPECT_THAT(done.statuses, ElementsAre("queued", "in_progress", "completed"));
  EXPECT_EQ(done.last["response"], done.body);

  const Kept failed = background({TextEvent{"a", {}}}, wire::plain_error(503, "gone"));
  EXPECT_THAT(failed.statuses, ElementsAre("queued", "in_progress", "failed"));
  EXPECT_EQ(failed.body["error"]["message"], "gone");
  EXPECT_EQ(failed.last["type"], "response.failed");

  const Kept early = background({}, wire::plain_error(429, "later"));
  EXPECT_THAT(early.statuses, ElementsAre("queued", "failed"));
  EXPECT_EQ(early.body["error"]["code"], "rate_limit_exceeded");
}

TEST(ResponsesAnswer, ACancelledOneEndsWithAnError) {
  const wire::CallError error = wire::to_call_error({ErrorCode::kCancelled, "it was cancelled"});
  const Kept kept = background({TextEvent{"a", {}}}, error);
  EXPECT_THAT(kept.statuses, ElementsAre("queued", "in_progress", "cancelled"));
  EXPECT_EQ(kept.body["status"], "cancelled");
  EXPECT_TRUE(kept.body["error"].is_null());
  EXPECT_EQ(kept.body["output"][0]["status"], "incomplete");
  EXPECT_EQ(kept.last["type"], "error");
  EXPECT_EQ(kept.last["code"], "cancelled");
  EXPECT_EQ(kept.last["message"], "it was cancelled");
}

TEST(ResponsesAnswer, CitationsAreAnnotationsOfTheirText) {
  const auto events =
      stream_of({StartedEvent{}, TextEvent{"ab"}, ReasoningEvent{"hm"}, TextEvent{"cdé"},
                 CitationEvent{"u", "T", "q", 2, 5}, CitationEvent{"u", "T", "q", 0, 2},
                 CitationEvent{"", "D", "q", 2, 5}, usage_of(1, 1), FinishedEvent{}});
  std::vector<Json> added;
  for (const Json& event : events) {
    if (event["type"] == "response.output_text.annotation.added") added.push_back(event);
  }
  ASSERT_EQ(added.size(), 1u);
  EXPECT_EQ(added[0]["annotation_index"], 0);
  EXPECT_EQ(added[0]["output_index"], 2);
  const Json& part = output_of(events)[2]["content"][0];
  EXPECT_EQ(part["annotations"], Json::array({added[0]["annotation"]}));
  EXPECT_EQ(part["annotations"][0], Json::parse(R"({"end_index":3,"start_index":0,"title":"T",)"
                                                R"("url":"u","type":"url_citation"})"));
}

TEST(ResponsesAnswer, TellsWhatThereIsSoFar) {
  const wire::Call call = call_of(true);
  const auto writer = make_responses_writer(call, kIdentity);
  std::string out;
  writer->wait(out);
  EXPECT_EQ(Json::parse(writer->so_far())["status"], "queued");
  for (const Event& event : std::vector<Event>{StartedEvent{}, ReasoningEvent{"h"},
                                               ReasoningEvent{"m"}, TextEvent{"a"}}) {
    writer->add(0, event, out);
  }
  Json body = Json::parse(writer->so_far());
  EXPECT_EQ(body["status"], "in_progress");
  EXPECT_EQ(body["output"][0]["content"][0]["text"], "hm");
  EXPECT_EQ(body["output"][1]["content"][0]["text"], "a");
  EXPECT_EQ(body["output"][1]["status"], "in_progress");
  writer->add(0, ToolEvent{0, "c", "f", "{\"a"}, out);
  body = Json::parse(writer->so_far());
  EXPECT_EQ(body["output"][2]["arguments"], "{\"a");
  EXPECT_EQ(body["output"][1]["status"], "completed");
}

}  // namespace
}  // namespace overtake::openai
