// Answers of Responses: our own writer's, OpenAI's shapes, imitators' and damaged ones.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/openai/client.h"
#include "wire/openai/responses.h"
#include "wire/read_in_pieces.h"

namespace overtake::openai {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string dump_event(const Event& event) {
  struct {
    std::string operator()(const StartedEvent& e) { return "started " + e.model; }
    std::string operator()(const TextEvent& e) {
      std::string out = (e.begins_part ? "text+ " : "text ") + e.text;
      for (const TokenLogprob& token : e.logprobs) {
        out += fmt::format(" [{} {} {}]", token.bytes, token.logprob, token.top.size());
      }
      return out;
    }
    std::string operator()(const ReasoningEvent& e) {
      return fmt::format("{}{} {} {} {}", e.is_summary ? "summary" : "reasoning",
                         e.begins_part ? "+" : "", e.id, e.text, e.encrypted);
    }
    std::string operator()(const RefusalEvent& e) { return "refusal " + e.text; }
    std::string operator()(const ToolEvent& e) {
      return fmt::format("tool {} {} {} {}", e.index, e.id, e.name, e.arguments);
    }
    std::string operator()(const CitationEvent& e) {
      return fmt::format("citation {} {} {}..{}", e.url, e.title, e.begin, e.end);
    }
    std::string operator()(const VendorEvent& e) {
      if (e.kind == VendorEvent::Kind::kProgress) return "progress " + e.json;
      return fmt::format("{} {}", e.kind == VendorEvent::Kind::kPart ? "part" : "next", e.json);
    }
    std::string operator()(const EmbeddingEvent&) { return "embedding"; }
    std::string operator()(const UsageEvent& e) {
      return fmt::format("usage {} {} {} {}", e.prompt_tokens, e.cached_tokens, e.completion_tokens,
                         e.reasoning_tokens);
    }
    std::string operator()(const FinishedEvent& e) {
      return fmt::format("finished {} {}", static_cast<int>(e.reason), e.native_reason);
    }
    std::string operator()(const FailedEvent& e) {
      return fmt::format("failed {} {} {} {}", error_code_name(e.error.code), e.retryable,
                         e.upstream->code, e.error.message);
    }
  } visitor;
  return std::visit(visitor, event);
}

std::vector<Event> events_of(const std::string& bytes, bool stream, Status* status,
                             size_t piece = 1u << 20) {
  const auto reader = make_responses_reader(stream);
  std::vector<Event> events;
  *status = testing::read_in_pieces(*reader, bytes, piece, &events);
  return events;
}

std::string read(const std::string& bytes, bool stream, size_t piece = 1u << 20) {
  Status status;
  std::string out;
  for (const Event& event : events_of(bytes, stream, &status, piece)) {
    out += dump_event(event) + "\n";
  }
  return out + (status.ok() ? "" : std::string(error_code_name(status.error().code)) + "\n");
}

std::string written(const std::vector<Event>& events, bool stream) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  call.request.top_logprobs = 2;
  call.repeated = "{}";
  const auto writer = make_responses_writer(call, {"resp_U", 1, "m"});
  std::string bytes;
  for (const Event& event : events) writer->add(0, event, bytes);
  writer->finish(bytes);
  return bytes;
}

// ---- OpenAI's shapes: the items of an answer, and the stream that tells of them

const char* const kItems = R"([
  {"id":"rs_68af","type":"reasoning","summary":[{"type":"summary_text","text":"One."},
    {"type":"summary_text","text":"Two."}],"encrypted_content":"gAAA"},
  {"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}},
  {"id":"msg_1","type":"message","status":"completed","role":"assistant","phase":"commentary",
   "content":[{"type":"output_text","text":"é: it rains","logprobs":[],"annotations":[
    {"type":"url_citation","start_index":3,"end_index":11,"title":"T","url":"https://a"},
    {"type":"file_citation","file_id":"f","filename":"a.txt","index":11}]}]},
  {"id":"msg_2","type":"message","status":"completed","role":"assistant","content":[
    {"type":"output_text","text":"So","logprobs":[],"annotations":[
      {"type":"url_citation","start_index":0,"end_index":2,"title":"S","url":"https://b"}]}]},
  {"id":"fc_1","type":"function_call","status":"completed","call_id":"c1","name":"f",
   "arguments":"{\"a\":1}"},
  {"id":"ctc_1","type":"custom_tool_call","status":"completed","call_id":"c2","name":"patch",
   "input":"*** Begin"}])";

Json response(const Json& output, const char* status = "completed") {
  Json out = {{"id", "resp_1"}, {"object", "response"}, {"created_at", 1}, {"status", status}};
  out["model"] = "gpt-5-2025-08-07";
  out["error"] = nullptr;
  out["incomplete_details"] = nullptr;
  out["output"] = output;
  out["usage"] = parse_json(R"({"input_tokens":9,"input_tokens_details":{"cached_tokens":4},
      "output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":16})",
                            "usage")
                     .value();
  return out;
}

std::string event(const std::string& type, Json members) {
  members["type"] = type;
  return "event: " + type + "\ndata: " + dump_json(members) + "\n\n";
}

// A list of parts told piece by piece, two characters a piece.
std::string told_list(const Json& item, int index, const char* list) {
  std::string out;
  const bool is_summary = std::string_view(list) == "summary";
  for (size_t p = 0; item.contains(list) && p < item[list].size(); ++p) {
    const Json& part = item[list][p];
    const Json at = {{"output_index", index}, {is_summary ? "summary_index" : "content_index", p}};
    Json whole = at;
    whole["part"] = part;
    const std::string kind =
        is_summary ? "response.reasoning_summary_part" : "response.content_part";
    out += event(kind + ".added", at);
    const std::string text = part["text"].get<std::string>();
    for (size_t i = 0; i < text.size();) {
      size_t n = 2;
      while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xc0) == 0x80) ++n;
      Json delta = at;
      delta["delta"] = text.substr(i, n);
      out +=
          event(is_summary ? "response.reasoning_summary_text.delta" : "response.output_text.delta",
                delta);
      i += n;
    }
    for (const Json& annotation : part.value("annotations", Json::array())) {
      Json added = at;
      added["annotation"] = annotation;
      out += event("response.output_text.annotation.added", added);
    }
    out += event(kind + ".done", whole);
  }
  return out;
}

std::string stream_of(const Json& items) {
  std::string out =
      event("response.created", {{"response", response(Json::array(), "in_progress")}});
  out += event("response.in_progress", {{"response", response(Json::array(), "in_progress")}});
  for (size_t i = 0; i < items.size(); ++i) {
    Json bare = items[i];
    if (bare.contains("content")) bare["content"] = Json::array();
    if (bare.contains("summary")) bare["summary"] = Json::array();
    if (bare.contains("arguments")) bare["arguments"] = "";
    bare["status"] = "in_progress";
    const int index = static_cast<int>(i);
    out += event("response.output_item.added", {{"output_index", index}, {"item", bare}});
    out += told_list(items[i], index, "summary") + told_list(items[i], index, "content");
    if (items[i]["type"] == "function_call") {
      out += event("response.function_call_arguments.delta",
                   {{"output_index", index}, {"delta", items[i]["arguments"]}});
    }
    if (items[i]["type"] == "web_search_call") {
      out += event("response.web_search_call.searching",
                   {{"output_index", index}, {"item_id", "ws_1"}, {"zz", 1}});
    }
    out += event("response.output_item.done", {{"output_index", index}, {"item", items[i]}});
  }
  return out + event("response.completed", {{"response", response(items)}});
}

// What goes on while a tool works comes with streams only.
std::string without_progress(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at) + 1;
    if (!text.substr(at).starts_with("progress ")) out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

// Pieces of one kind that follow each other as one.
std::string joined(std::string text) {
  for (const std::string kind : {"text ", "summary rs_68af "}) {
    for (size_t at = 0; (at = text.find("\n" + kind, at)) != text.npos;) {
      const size_t begin = text.rfind('\n', at - 1) + 1;
      const std::string_view before(text.data() + begin, at - begin);
      const bool goes_on = before.starts_with(kind) || before.starts_with("text+ ") ||
                           before.starts_with("summary+ rs_68af ");
      const bool ends = kind[0] == 's' && text.compare(at + 1 + kind.size(), 1, " ") == 0;
      if (!goes_on || ends) {
        ++at;
        continue;
      }
      size_t cut = at;
      if (kind[0] == 's' && text[cut - 1] == ' ') --cut;  // of its encrypted text, which is none
      text.erase(cut, at - cut + 1 + kind.size());
    }
  }
  return text;
}

TEST(ResponsesClientAnswer, ReadsAllThatOpenAiSays) {
  const Json items = parse_json(kItems, "items").value();
  const std::string part_ws = R"(part {"id":"ws_1","type":"web_search_call","status":"completed",)"
                              R"("action":{"type":"search","query":"q"}})";
  const std::string part_ctc =
      R"(part {"id":"ctc_1","type":"custom_tool_call","status":"completed","call_id":"c2",)"
      R"("name":"patch","input":"*** Begin"})";
  const std::string expected =
      "started gpt-5-2025-08-07\nsummary rs_68af One. \nsummary+ rs_68af Two. \n"
      "summary rs_68af  gAAA\n" +
      part_ws +
      "\nnext {\"phase\":\"commentary\"}\ntext é: it rains\ncitation https://a T 3..11\n"
      "citation  a.txt 0..11\nnext {}\ntext+ So\ncitation https://b S 11..13\n"
      "tool 0 c1 f \ntool 0   {\"a\":1}\n" +
      part_ctc + "\nusage 9 4 7 3\nfinished 2 completed\n";
  EXPECT_EQ(read(dump_json(response(items)), false), expected);
  const std::string streamed = read(stream_of(items), true);
  EXPECT_EQ(joined(without_progress(streamed)), expected);
  EXPECT_EQ(read(stream_of(items), true, 1), streamed);
  EXPECT_THAT(streamed, HasSubstr(R"("type":"response.web_search_call.searching"})"));
  const std::string stream = stream_of(items);
  for (size_t cut = 0; cut + 2 < stream.size(); cut += 7) {
    EXPECT_THAT(read(stream.substr(0, cut), true), HasSubstr("damaged")) << "cut at " << cut;
  }
}

// To OpenAI's own clients all of it passes, but for the ids that are ours.
TEST(ResponsesClientAnswer, WhatIsReadIsWrittenAsItWas) {
  const Json items = parse_json(kItems, "items").value();
  for (const bool stream : {false, true}) {
    Status status;
    const auto events =
        events_of(stream ? stream_of(items) : dump_json(response(items)), stream, &status);
    ASSERT_TRUE(status.ok());
    Json output = parse_json(written(events, false), "answer").value()["output"];
    ASSERT_EQ(output.size(), items.size());
    EXPECT_EQ(output[0]["id"], "rs_U_o0.rs_68af");
    for (size_t i = 0; i < items.size(); ++i) {
      auto found = nlohmann::json::parse(output[i].dump());
      auto wanted = nlohmann::json::parse(items[i].dump());
      if (wanted["type"] == "reasoning") found.erase("status");
      if (wanted["id"] != "ws_1" && wanted["id"] != "ctc_1") found["id"] = wanted["id"];
      EXPECT_EQ(found, wanted);
    }
    const std::string again = written(events, true);
    EXPECT_EQ(joined(read(again, true)), joined(read(again, true, 1)));
    EXPECT_THAT(again, HasSubstr("\"phase\":\"commentary\""));
    const char* const searching =
        R"("item_id":"ws_1","zz":1,"output_index":1})";  // as its place is here, too
    if (stream) EXPECT_THAT(again, HasSubstr(searching));
  }
}

TEST(ResponsesClientAnswer, ReadsWhatOurWritersWrite) {
  UsageEvent usage;
  usage.prompt_tokens = 9;
  usage.cached_tokens = 4;
  usage.completion_tokens = 7;
  usage.reasoning_tokens = 3;
  const TextEvent sure{"é", {{0, "\xc3", -0.5, {{0, "x", -2}}}, {0, "\xa9", -1, {}}}};
  const std::vector<std::vector<Event>> conversations = {
      {StartedEvent{"m"}, TextEvent{"Pa\"r\nis ✓"}, usage, FinishedEvent{}},
      {StartedEvent{"m"}, sure, usage, FinishedEvent{FinishReason::kLength}},
      {StartedEvent{"m"}, RefusalEvent{"no"}, usage, FinishedEvent{FinishReason::kRefusal}},
      {StartedEvent{"m"}, TextEvent{"a"}, usage, FinishedEvent{FinishReason::kContentFilter}},
      {StartedEvent{"m"}, ToolEvent{0, "c1", "f", "{\"a\":1}"}, ToolEvent{1, "c2", "g", "{}"},
       usage, FinishedEvent{FinishReason::kToolCalls}}};
  const char* const ends[] = {"finished 0 completed", "finished 1 max_output_tokens",
                              "finished 4 completed", "finished 3 content_filter",
                              "finished 2 completed"};
  for (size_t i = 0; i < conversations.size(); ++i) {
    for (const bool stream : {false, true}) {
      const std::string bytes = written(conversations[i], stream);
      const std::string out = read(bytes, stream);
      EXPECT_EQ(out, read(bytes, stream, 1));
      EXPECT_THAT(out, HasSubstr(std::string("usage 9 4 7 3\n") + ends[i]));
      for (size_t e = 1; e + 2 < conversations[i].size() && i < 4; ++e) {
        EXPECT_THAT(out, HasSubstr(dump_event(conversations[i][e]) + "\n"));
      }
      for (size_t cut = 0; cut + 2 < bytes.size(); cut += 3) {
        EXPECT_THAT(read(bytes.substr(0, cut), stream), HasSubstr("damaged")) << i << " " << cut;
      }
    }
  }
}

std::string started() {
  return event("response.created", {{"response", {{"id", "r"}, {"model", "m"}}}});
}
std::string ended(const char* status = "completed", Json more = Json::object()) {
  more["status"] = status;
  return event(std::string("response.") + status, {{"response", more}});
}

TEST(ResponsesClientAnswer, ToleratesWhatImitatorsDo) {
  // No indices (llama-server), no end of the part.
  EXPECT_EQ(
      read(started() + event("response.output_item.added", {{"item", {{"type", "message"}}}}) +
               event("response.output_text.delta", {{"delta", "a"}}) +
               event("response.output_item.done", {{"item", {{"type", "message"}}}}) + ended(),
           true),
      "started m\ntext a\nusage 0 0 0 0\nfinished 0 completed\n");
  // All in the end; events that nobody knows; no name of the event.
  const Json item = {{"type", "function_call"}, {"id", "fc"}, {"name", "f"}, {"arguments", "{}"}};
  EXPECT_EQ(read("data: {\"type\":\"keepalive\"}\n\n" + started() + event("response.new", {}) +
                     ended("completed", {{"output", Json::array({item})}}),
                 true),
            "started m\ntool 0 fc f \ntool 0   {}\nusage 0 0 0 0\nfinished 2 completed\n");
}

TEST(ResponsesClientAnswer, AnAnswerThatIsCutSaysWhy) {
  for (const auto& [reason, code] :
       {std::pair{"max_output_tokens", 1}, {"content_filter", 3}, {"max_messages", 1}}) {
    const Json details = {{"incomplete_details", {{"reason", reason}}}, {"output", Json::array()}};
    EXPECT_THAT(read(started() + ended("incomplete", details), true),
                HasSubstr(fmt::format("finished {} {}", code, reason)));
  }
}

TEST(ResponsesClientAnswer, FailuresHaveTheirCodes) {
  const struct {
    const char* code;
    const char* expected;
  } cases[] = {{"server_error", "failed unavailable true server_error gone"},
               {"rate_limit_exceeded", "failed exhausted true rate_limit_exceeded gone"},
               {"invalid_prompt", "failed invalid_argument false invalid_prompt gone"},
               {"image_too_large", "failed invalid_argument false image_too_large gone"},
               {"context_length_exceeded",
                "failed context_length_exceeded false context_length_exceeded gone"}};
  for (const auto& [code, expected] : cases) {
    const Json error = {{"code", code}, {"message", "gone"}};
    EXPECT_THAT(read(started() + ended("failed", {{"error", error}}), true), HasSubstr(expected));
    Json whole = response(Json::array(), "failed");
    whole["error"] = error;
    EXPECT_THAT(read(dump_json(whole), false), HasSubstr(expected));
    EXPECT_THAT(read(started() + event("error", error), true), HasSubstr(expected));
    EXPECT_THAT(read(started() + event("error", {{"error", error}}), true), HasSubstr(expected));
  }
  EXPECT_THAT(read(dump_json(response(Json::array(), "cancelled")), false), HasSubstr("failed "));
}

TEST(ResponsesClientAnswer, DamageIsNeverAnAnswer) {
  const std::string message =
      event("response.output_item.added", {{"output_index", 0}, {"item", {{"type", "message"}}}});
  const std::string delta =
      event("response.output_text.delta", {{"output_index", 0}, {"delta", "a"}});
  for (const std::string& bytes :
       {std::string(), started(), started() + message + delta, message, delta, started() + delta,
        started() + message + message, std::string("data: {oops\n\n"), std::string("data: 5\n\n"),
        std::string("data: {}\n\n"), started() + "data: [DONE]\n\n",
        started() + event("response.completed", {{"response", 5}}),
        started() + message +
            event("response.reasoning_text.delta", {{"output_index", 0}, {"delta", "a"}}),
        started() + event("response.output_item.added", {{"item", 5}}),
        started() + event("response.output_item.added", {{"item", {{"id", "x"}}}}),
        started() + event("response.output_item.done", {{"item", {{"type", "message"}}}})}) {
    EXPECT_THAT(read(bytes, true), HasSubstr("damaged")) << bytes;
    EXPECT_THAT(read(bytes, true), Not(HasSubstr("finished"))) << bytes;
  }
  for (const std::string& body : {std::string(), std::string("{"), std::string("[]"),
                                  std::string("{}"), std::string(R"({"status":"completed"})"),
                                  std::string(R"({"status":"completed","output":5})"),
                                  dump_json(response(Json::array(), "in_progress")),
                                  std::string(R"({"status":"completed","output":[{}]})")}) {
    EXPECT_THAT(read(body, false), HasSubstr("damaged")) << body;
  }
}

}  // namespace
}  // namespace overtake::openai
