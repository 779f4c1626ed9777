// The calling half against the serving half: what one writes, the other reads as it was.
#include "wire/anthropic/client.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/anthropic/answer.h"
#include "wire/anthropic/error.h"
#include "wire/anthropic/request.h"
#include "wire/read_in_pieces.h"

namespace overtake::anthropic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

GenerateRequest parsed(const std::string& body) {
  wire::Call call;
  const auto error = parse_messages_request(Json::parse(body), &call);
  EXPECT_FALSE(error) << error->message << "\n" << body;
  call.request.model = call.model;
  if (!call.prompts.empty()) call.request.prompt = call.prompts[0];
  return call.request;
}

std::string flag(const std::optional<bool>& value) { return value ? (*value ? "T" : "F") : "-"; }

std::string dump_part(const ContentPart& part) {
  struct {
    std::string operator()(const TextPart& p) { return fmt::format("text {} {}", p.text, p.extra); }
    std::string operator()(const ImagePart& p) {
      return fmt::format("image {} {} {} {}", p.media_type, p.url, p.bytes, p.extra);
    }
    std::string operator()(const AudioPart& p) { return "audio " + p.format; }
    std::string operator()(const FilePart& p) {
      return fmt::format("file {} {} {} {} {} {}", p.name, p.media_type, p.url, p.bytes, p.id,
                         p.extra);
    }
    std::string operator()(const ReasoningPart& p) {
      return fmt::format("reasoning {} {} {} {}", p.text, p.signature, p.encrypted, p.extra);
    }
    std::string operator()(const RefusalPart& p) { return "refusal " + p.text; }
    std::string operator()(const VendorPart& p) { return "vendor " + p.extra; }
    std::string operator()(const ToolCall& p) {
      return fmt::format("call {} {} {} {}", p.id, p.name, p.arguments, p.extra);
    }
  } visitor;
  return std::visit(visitor, part);
}

// One text for all that a request holds: no member is left to an operator== that forgets it.
std::string dump_request(const GenerateRequest& r) {
  const auto& chat = std::get<ChatPrompt>(r.prompt);
  std::string out;
  for (const std::string& stop : r.stop) out += stop + "|";
  const ReasoningParams& t = r.reasoning;
  out += fmt::format(
      "{} {} t={} k={} p={} max={} format {} {} thinking {} {} {} {} user={} extra={}", r.model,
      r.dialect, r.sampling.temperature.value_or(-1), r.sampling.top_k.value_or(-1),
      r.sampling.top_p.value_or(-1), r.max_tokens.value_or(-1), static_cast<int>(r.format.kind),
      r.format.schema, flag(t.enabled), t.effort, t.budget_tokens.value_or(-1), flag(t.shown),
      r.end_user, r.extra);
  for (const Message& m : chat.messages) {
    out += fmt::format("\n{} name={} call={} failed={} extra={}", role_name(m.role), m.name,
                       m.tool_call_id, m.tool_failed, m.extra);
    for (const ContentPart& part : m.content) out += "\n  " + dump_part(part);
  }
  for (const ToolSpec& t : chat.tools) {
    out += fmt::format("\ntool {} {} {} {} {}", t.name, t.description, t.parameters, flag(t.strict),
                       t.extra);
  }
  return out + fmt::format("\nchoice {} {} {} {}", static_cast<int>(chat.tool_choice.kind),
                           chat.tool_choice.name, flag(chat.tool_choice.parallel),
                           chat.continue_final_message);
}

std::string written(const GenerateRequest& request, bool stream = true) {
  const auto out = write_messages_request(request, stream);
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out.ok() ? out->body : "{}";
}

constexpr const char* kTools = R"("tools":[{"name":"f","description":"d","strict":true,
    "input_schema":{"type":"object","properties":{"z":{},"a":{}}},"cache_control":{"x":1}},
    {"name":"g","input_schema":{}},{"type":"web_search_20250305","name":"web_search","max_uses":3}])";

// Every member of a request to Anthropic.
const char* const kRequests[] = {
    R"("messages":[{"role":"user","content":"hi"}])",
    R"("system":"s","messages":[{"role":"user","content":"hi"}],"stop_sequences":["a","b"],
       "temperature":0.5,"top_p":0.9,"top_k":5,"metadata":{"user_id":"u","more":1})",
    R"("system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},
       {"type":"text","text":"b"}],"messages":[{"role":"user","content":"x"},
       {"role":"system","content":"later"},{"role":"user","content":"y"}])",
    R"("messages":[{"role":"user","more":1,"content":[{"type":"text","text":"a","citations":null},
       {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAEC"}},
       {"type":"image","source":{"type":"url","url":"https://a.b/c.png"},"cache_control":{"x":1}},
       {"type":"image","source":{"type":"file","file_id":"f0"}},
       {"type":"document","title":"t","source":{"type":"base64","media_type":"application/pdf",
        "data":"AAEC"},"citations":{"enabled":true}},
       {"type":"document","source":{"type":"url","url":"https://a.b/c.pdf"}},
       {"type":"document","source":{"type":"file","file_id":"f1"}},
       {"type":"document","source":{"type":"text","media_type":"text/plain","data":"words"}}]}])",
    R"("messages":[{"role":"user","content":"x"},{"role":"assistant","content":[
       {"type":"thinking","thinking":"hm","signature":"s1"},
       {"type":"redacted_thinking","data":"r1"},{"type":"text","text":"first"},
       {"type":"tool_use","id":"t1","name":"f","input":{"b":1,"a":[2]}},
       {"type":"text","text":"then"},{"type":"tool_use","id":"t2","name":"g","input":{}}]},
       {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"1"},
       {"type":"tool_result","tool_use_id":"t2","is_error":true,"cache_control":{"x":1},"content":[
        {"type":"text","text":"2"},
        {"type":"image","source":{"type":"url","url":"https://a.b/c.png"}}]},
       {"type":"tool_result","tool_use_id":"t3"},{"type":"text","text":"go on"}]}])",
    R"("messages":[{"role":"user","content":"x"},{"role":"assistant","content":"The best is ("}])",
    R"("messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled",
       "budget_tokens":2048,"display":"omitted"},"output_config":{"effort":"max","task_budget":5,
       "format":{"type":"json_schema","schema":{"b":1,"a":2}}})",
    R"("messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},
       "service_tier":"auto","cache_control":{"type":"ephemeral"},"new_member":[1])",
    R"("messages":[{"role":"user","content":"x"}],"thinking":{"type":"disabled"})",
};

TEST(AnthropicClient, WhatIsWrittenIsReadAsItWas) {
  std::vector<std::string> requests(std::begin(kRequests), std::end(kRequests));
  const std::string hi = R"("messages":[{"role":"user","content":"hi"}],)" + std::string(kTools);
  requests.push_back(hi);
  for (const char* choice :
       {R"({"type":"auto","disable_parallel_tool_use":true})", R"({"type":"none"})",
        R"({"type":"any","disable_parallel_tool_use":false})", R"({"type":"tool","name":"f"})"}) {
    requests.push_back(hi + ",\"tool_choice\":" + choice);
  }
  for (const std::string& members : requests) {
    const GenerateRequest request = parsed("{\"model\":\"m\",\"max_tokens\":7," + members + "}");
    const std::string body = written(request);
    EXPECT_EQ(dump_request(parsed(body)), dump_request(request)) << body;
    EXPECT_TRUE(Json::parse(body)["stream"]);
    EXPECT_FALSE(Json::parse(written(request, false)).contains("stream"));
    const auto count = write_count_request(request);
    ASSERT_TRUE(count.ok());
    const Json counted = Json::parse(count->body);
    EXPECT_EQ(counted["messages"], Json::parse(body)["messages"]);
    for (const char* name : {"max_tokens", "stream", "temperature", "stop_sequences"}) {
      EXPECT_FALSE(counted.contains(name)) << name;
    }
  }
}

TEST(AnthropicClient, AsksInItsVersion) {
  const auto out = write_messages_request(parsed(R"({"model":"m","max_tokens":1,
      "messages":[{"role":"user","content":"a"}]})"),
                                          true);
  EXPECT_EQ(out->path, "/v1/messages");
  ASSERT_EQ(out->headers.size(), 3u);
  EXPECT_EQ(out->headers[2].name + ": " + out->headers[2].value, "anthropic-version: 2023-06-01");
}

Message said(Role role, const std::string& text) {
  return {.role = role, .content = {TextPart{text}}};
}

// A request in the words of another dialect.
GenerateRequest foreign(std::vector<Message> messages) {
  GenerateRequest request;
  request.dialect = "openai";
  request.model = "m";
  request.prompt = ChatPrompt{std::move(messages)};
  return request;
}

TEST(AnthropicClient, OtherDialectsConversationsTakeItsForm) {
  Message calls{.role = Role::kAssistant};
  calls.content = {TextPart{""}, ReasoningPart{"hm", "theirs"},
                   ToolCall{.name = "f", .arguments = ""},
                   ToolCall{.id = "a.b/1", .name = "g", .arguments = "{\"x\":1}"}};
  Message one{.role = Role::kTool, .content = {TextPart{"1"}}, .tool_call_id = "a.b/1"};
  Message two{.role = Role::kTool, .content = {TextPart{"2", {}, R"({"cache_control":1})"}}};
  two.name = "f";
  const Json body = Json::parse(written(foreign(
      {said(Role::kSystem, "s"), said(Role::kDeveloper, "d"), said(Role::kUser, "u"), calls, one,
       two, said(Role::kAssistant, ""), said(Role::kDeveloper, "l"), said(Role::kUser, "v")})));
  EXPECT_EQ(body, Json::parse(R"({"model":"m",
      "system":[{"type":"text","text":"s"},{"type":"text","text":"d"}],
      "messages":[{"role":"user","content":"u"},
       {"role":"assistant","content":[
         {"type":"tool_use","id":"toolu_0","name":"f","input":{}},
         {"type":"tool_use","id":"a_b_1","name":"g","input":{"x":1}}]},
       {"role":"user","content":[
         {"type":"tool_result","tool_use_id":"a_b_1","content":"1"},
         {"type":"tool_result","tool_use_id":"toolu_0","content":"2"}]},
       {"role":"system","content":"l"},{"role":"user","content":"v"}],
      "max_tokens":32000,"stream":true})"));
}

TEST(AnthropicClient, ALimitIsAboveTheBudgetOfThinking) {
  GenerateRequest request = foreign({said(Role::kUser, "u")});
  request.reasoning.budget_tokens = 40'000;
  EXPECT_EQ(Json::parse(written(request))["max_tokens"], 48'192);
  request.reasoning.budget_tokens = 2048;
  EXPECT_EQ(Json::parse(written(request))["max_tokens"], 32'000);
  request.reasoning.budget_tokens = 0;
  EXPECT_EQ(Json::parse(written(request))["thinking"]["type"], "disabled");
  request.reasoning = {.effort = "minimal"};
  EXPECT_EQ(Json::parse(written(request))["output_config"]["effort"], "low");
  request.reasoning = {.effort = "none"};
  EXPECT_EQ(Json::parse(written(request))["thinking"]["type"], "disabled");
}

TEST(AnthropicClient, RefusesWhatItCanNotSay) {
  const auto refusal = [](const GenerateRequest& request) {
    const auto out = write_messages_request(request, true);
    return out.ok() ? "nothing" : out.error().message;
  };
  GenerateRequest request = foreign({said(Role::kUser, "u")});
  request.sampling.temperature = 1.5;
  EXPECT_THAT(refusal(request), HasSubstr("a temperature above 1"));
  request = foreign({said(Role::kUser, "u"), said(Role::kAssistant, "a")});
  EXPECT_THAT(refusal(request), HasSubstr("an answer that follows another one"));
  std::get<ChatPrompt>(request.prompt).continue_final_message = true;
  EXPECT_EQ(refusal(request), "nothing");
  Message call{.role = Role::kAssistant};
  call.content = {ToolCall{.id = "i", .name = "f", .arguments = "[1]"}};
  EXPECT_THAT(refusal(foreign({call, said(Role::kUser, "u")})), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(foreign({{.role = Role::kSystem, .content = {ImagePart{.url = "u"}}}})),
              HasSubstr("more than text"));
  request = foreign({said(Role::kUser, "u")});
  std::get<ChatPrompt>(request.prompt).tools.push_back({.extra = R"({"type":"web_search"})"});
  EXPECT_THAT(refusal(request), HasSubstr("another vendor's own tools"));
  request.prompt = TextPrompt{"x"};
  EXPECT_THAT(refusal(request), HasSubstr("without messages"));
  for (const Feature feature :
       {Feature::kSeed, Feature::kLogitBias, Feature::kLogprobs, Feature::kPresencePenalty,
        Feature::kMinP, Feature::kJson, Feature::kAudio, Feature::kTextPrompt}) {
    EXPECT_FALSE(client_dialect.features.has(feature)) << feature_name(feature);
  }
}

// ---- answers -----------------------------------------------------------------------------------

std::string dump_event(const Event& event) {
  struct {
    std::string operator()(const StartedEvent& e) {
      return fmt::format("started {} {} {}\n", e.model, e.id, e.prompt_tokens);
    }
    std::string operator()(const TextEvent& e) {
      return std::string("text ") + (e.begins_part ? "|" : "") + e.text;
    }
    std::string operator()(const ReasoningEvent& e) {
      const std::string end = e.signature + e.encrypted;
      return "reasoning " + e.text + (end.empty() ? "" : " signed " + end + "\n");
    }
    std::string operator()(const RefusalEvent& e) { return "refusal " + e.text; }
    std::string operator()(const ToolEvent& e) {
      return e.name.empty()
                 ? "tool " + e.arguments
                 : fmt::format("call {} {} {}\ntool {}", e.index, e.id, e.name, e.arguments);
    }
    std::string operator()(const CitationEvent& e) {
      return fmt::format("citation {} {} {} {}..{} {}\n", e.url, e.title, e.quote, e.begin, e.end,
                         e.native);
    }
    std::string operator()(const VendorEvent& e) {
      return fmt::format("{} {} {}\n", e.kind == VendorEvent::Kind::kPart ? "part" : "members",
                         e.dialect, e.json);
    }
    std::string operator()(const EmbeddingEvent&) { return "embedding"; }
    std::string operator()(const UsageEvent& e) {
      return fmt::format("usage {} {} {} {} {}\n", e.prompt_tokens, e.cached_tokens,
                         e.cache_write_tokens, e.completion_tokens, e.reasoning_tokens);
    }
    std::string operator()(const FinishedEvent& e) {
      return fmt::format("finished {} {} {}\n", static_cast<int>(e.reason), e.native_reason,
                         e.stop_sequence);
    }
    std::string operator()(const FailedEvent& e) {
      return fmt::format("failed {} {} {} {}\n", e.error.message, error_code_name(e.error.code),
                         e.upstream->type, e.retryable);
    }
  } visitor;
  return std::visit(visitor, event);
}

// One text for all events: pieces of the same kind are one.
std::string dump_events(const std::vector<Event>& events) {
  std::string out, last;
  for (const Event& event : events) {
    std::string text = dump_event(event);
    const std::string kind = text.substr(0, text.find(' ') + 1);
    const bool joins = !last.empty() && last == kind && out.back() != '\n';
    out +=
        joins ? text.substr(kind.size()) : (out.empty() || out.back() == '\n' ? "" : "\n") + text;
    last = text.find("\ntool ") != text.npos ? "tool " : kind;
  }
  return out;
}

// The events of `bytes`, fed in pieces; at the end the error's name where the reader gave one.
std::string read(const std::string& bytes, bool stream, size_t piece = 1u << 20) {
  const auto reader = make_messages_reader(stream);
  std::vector<Event> events;
  const Status status = testing::read_in_pieces(*reader, bytes, piece, &events);
  return dump_events(events) +
         (status.ok() ? "" : std::string("\n") + error_code_name(status.error().code) + "\n");
}

std::vector<std::vector<Event>> conversations() {
  UsageEvent usage;
  usage.prompt_tokens = 9;
  usage.cached_tokens = 4;
  usage.cache_write_tokens = 2;
  usage.completion_tokens = 7;
  usage.reasoning_tokens = 3;
  const StartedEvent started{"m", 9, {}, "msg_1"};
  const auto part = [](const char* text) {
    TextEvent out{text, {}};
    out.begins_part = true;
    return out;
  };
  const CitationEvent citation{
      "https://a",
      "A",
      "q",
      2,
      4,
      R"({"type":"web_search_result_location","url":"https://a","title":"A","cited_text":"q",)"
      R"("encrypted_index":"E"})"};
  const auto vendors = [](VendorEvent::Kind kind, const char* json) {
    return VendorEvent{kind, "anthropic", json};
  };
  const auto done = [](FinishReason reason, const char* native, const char* stop = "") {
    return FinishedEvent{reason, stop, native};
  };
  return {
      {started, TextEvent{"Pa\"r\nis ✓", {}}, TextEvent{"!", {}}, usage,
       done(FinishReason::kStop, "end_turn")},
      {started, TextEvent{"a", {}}, usage, done(FinishReason::kStop, "stop_sequence", "END")},
      {started, TextEvent{"a", {}}, usage, done(FinishReason::kLength, "max_tokens")},
      {started, TextEvent{"no", {}}, usage, done(FinishReason::kContentFilter, "refusal")},
      {started, usage, done(FinishReason::kStop, "pause_turn")},
      {started, ReasoningEvent{"h"}, ReasoningEvent{"m"}, ReasoningEvent{"", "s1"},
       ReasoningEvent{"", "", "enc"}, ReasoningEvent{"", "s2"}, TextEvent{"a", {}}, usage,
       done(FinishReason::kStop, "end_turn")},
      {started, TextEvent{"first", {}}, ToolEvent{0, "c1", "f", "{\"a\":1}"}, TextEvent{"then", {}},
       ToolEvent{1, "c2", "g", "{}"}, usage, done(FinishReason::kToolCalls, "tool_use")},
      {started, TextEvent{"é ", {}}, part("so"), citation, citation, part("!"),
       vendors(VendorEvent::Kind::kPart,
               R"({"type":"server_tool_use","id":"s","name":"web_search",)"
               R"("input":{"query":"é"}})"),
       vendors(VendorEvent::Kind::kPart,
               R"({"type":"web_search_tool_result","tool_use_id":"s","content":[{"a":1}]})"),
       TextEvent{"done", {}},
       vendors(VendorEvent::Kind::kMembers,
               R"({"container":{"id":"c"},"usage":{"server_tool_use":{"web_search_requests":1}}})"),
       usage, done(FinishReason::kStop, "end_turn")},
  };
}

TEST(AnthropicClient, ReadsWhatOurWritersWrite) {
  for (const auto& events : conversations()) {
    for (const bool stream : {false, true}) {
      wire::Call call;
      call.prompts.emplace_back(ChatPrompt{});
      call.stream = stream;
      const auto writer = make_messages_writer(call, {"msg_1", 1, "m"});
      std::string bytes;
      for (const Event& event : events) writer->add(0, event, bytes);
      writer->finish(bytes);
      const std::string expected = dump_events(events);
      EXPECT_EQ(read(bytes, stream), expected) << bytes;
      for (const size_t piece : {1, 2, 3, 7, 100}) EXPECT_EQ(read(bytes, stream, piece), expected);
      // A part of it, however long, is never an answer.
      for (size_t cut = 0; cut + 2 < bytes.size(); ++cut) {
        const std::string part = read(bytes.substr(0, cut), stream);
        EXPECT_THAT(part, HasSubstr("damaged")) << cut;
        EXPECT_THAT(part, Not(HasSubstr("finished"))) << cut;
      }
    }
  }
}

std::string event(const std::string& type, const std::string& members = "") {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + members + "}\n\n";
}
const std::string kStart =
    event("message_start", R"(,"message":{"id":"i","type":"message","model":"m","content":[],)"
                           R"("usage":{"input_tokens":3,"cache_read_input_tokens":5,)"
                           R"("output_tokens":1}})");
std::string block(int index, const std::string& content) {
  return event("content_block_start",
               fmt::format(R"(,"index":{},"content_block":{})", index, content));
}
std::string delta(int index, const std::string& content) {
  return event("content_block_delta", fmt::format(R"(,"index":{},"delta":{})", index, content));
}
std::string stop(int index) {
  return event("content_block_stop", fmt::format(",\"index\":{}", index));
}
std::string ending(const std::string& reason) {
  return event("message_delta",
               R"(,"delta":{"stop_reason":")" + reason + R"("},"usage":{"output_tokens":4})") +
         event("message_stop");
}
constexpr const char* kText = R"({"type":"text","text":""})";
constexpr const char* kHello = R"({"type":"text_delta","text":"Hel"})";

TEST(AnthropicClient, ReadsWhatAnthropicAddsOfItsOwn) {
  EXPECT_EQ(
      read(kStart + event("ping") +
               block(0, R"({"type":"server_tool_use","id":"s","name":"web_search","input":{}})") +
               delta(0, R"({"type":"input_json_delta","partial_json":"{}"})") + stop(0) +
               event("of_tomorrow", ",\"x\":1") +
               block(1, R"({"type":"web_search_tool_result","content":[]})") + stop(1) +
               block(2, kText) + delta(2, R"({"type":"citations_delta","citation":{}})") +
               delta(2, kHello) + stop(2) +
               block(3, R"({"type":"tool_use","id":"t","name":"f","input":{}})") +
               delta(3, R"({"type":"input_json_delta","partial_json":""})") + stop(3) +
               ending("tool_use"),
           true),
      "started m i 8\n"
      "part anthropic {\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\","
      "\"input\":{}}\n"
      "part anthropic {\"type\":\"web_search_tool_result\",\"content\":[]}\n"
      "text Hel\ncitation    0..3 {}\ncall 0 t f\ntool {}\nusage 8 5 0 4 0\n"
      "finished 2 tool_use \n");
  EXPECT_THAT(read(kStart +
                       event("message_delta", R"(,"delta":{"stop_reason":"refusal","stop_details":)"
                                              R"({"type":"refusal","explanation":"why"}})") +
                       event("message_stop"),
                   true),
              HasSubstr("refusal why\nmembers anthropic {\"stop_details\":{\"type\":\"refusal\","
                        "\"explanation\":\"why\"}}\nusage 8 5 0 1 0\nfinished 3 refusal"));
}

TEST(AnthropicClient, PiecesOfBlocksThatAreNotKnownArePutTogether) {
  const std::string begin = kStart + block(0, R"({"type":"compaction","content":null,"a":"x"})");
  EXPECT_THAT(read(begin + delta(0, R"({"type":"compaction_delta","content":"su"})") +
                       delta(0, R"({"type":"compaction_delta","content":"m","a":"y"})") + stop(0) +
                       ending("end_turn"),
                   true),
              HasSubstr(R"(part anthropic {"type":"compaction","content":"sum","a":"xy"})"));
  // An input that its bound has cut says nothing; a block without a type is none.
  const std::string cut = kStart + block(0, R"({"type":"server_tool_use","id":"s","input":{}})") +
                          delta(0, R"({"type":"input_json_delta","partial_json":"{\"q"})") +
                          stop(0);
  EXPECT_THAT(read(cut + ending("max_tokens"), true), Not(HasSubstr("part")));
  EXPECT_THAT(read(kStart + block(0, "{}") + stop(0) + ending("end_turn"), true),
              Not(HasSubstr("part")));
  std::string many = "{\"type\":\"x\"";
  for (int i = 0; i < 100; ++i) many += fmt::format(",\"m{}\":1", i);
  EXPECT_THAT(read(begin + delta(0, many + "}"), true), HasSubstr("damaged"));
}

TEST(AnthropicClient, WhatItsToolsDidGoesBackToItAlone) {
  GenerateRequest request = parsed(R"({"model":"m","max_tokens":9,"messages":[
      {"role":"user","content":[{"type":"text","text":"q"}]},
      {"role":"assistant","content":[{"type":"text","text":"I look.","citations":[{"a":1}]},
        {"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}},
        {"type":"web_search_tool_result","tool_use_id":"s","content":[{"b":[1]}]}]},
      {"role":"user","content":"go on"}]})");
  const Json own = Json::parse(written(request));
  EXPECT_EQ(own["messages"][1]["content"][1]["input"]["query"], "q");
  EXPECT_EQ(own["messages"][1]["content"][2]["content"][0]["b"][0], 1);
  EXPECT_EQ(own["messages"][1]["content"][0]["citations"][0]["a"], 1);
  request.dialect = "gemini";
  EXPECT_THAT(written(request), Not(HasSubstr("web_search")));
  // What a client gives is never left out.
  request = parsed(R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[
      {"type":"search_result","source":"https://a","title":"A","content":[]},
      {"type":"document","source":{"type":"content","content":[]}}]}]})");
  EXPECT_EQ(Json::parse(written(request))["messages"][0]["content"][0]["type"], "search_result");
  EXPECT_EQ(Json::parse(written(request))["messages"][0]["content"][1]["type"], "document");
  request.dialect = "gemini";
  EXPECT_FALSE(write_messages_request(request, true).ok());
  EXPECT_EQ(first_unmet(request, kLocalFeatures)->feature, Feature::kVendorTools);
}

TEST(AnthropicClient, DamageIsNeverAnAnswer) {
  const std::string open = kStart + block(0, kText);
  for (const std::string& bytes : std::vector<std::string>{
           "",
           "event: ping\ndata: {oops\n\n",
           "data: 5\n\n",
           "data: {}\n\n",
           kStart,
           ending("end_turn"),
           block(0, kText),
           kStart + kStart,
           open + block(1, kText),
           kStart + block(1, kText),
           open + delta(1, kHello),
           open + stop(1),
           kStart + stop(0),
           kStart + delta(0, kHello),
           open + ending("end_turn"),
           kStart + event("message_stop"),
           open + delta(0, R"({"type":"thinking_delta","thinking":"x"})"),
           open + delta(0, R"({"type":"input_json_delta","partial_json":"x"})"),
           open + event("content_block_delta", ",\"index\":0"),
           event("message_start"),
           kStart + event("content_block_start", ",\"index\":0"),
           "<html>\n\ndata: <p>\n\n"}) {
    EXPECT_THAT(read(bytes, true), HasSubstr("damaged")) << bytes;
    EXPECT_THAT(read(bytes, true), Not(HasSubstr("finished"))) << bytes;
  }
  for (const char* body :
       {"", "{", "[]", "{}", R"({"type":"message"})", R"({"type":"message","content":[5]})",
        R"({"type":"message","content":[{"type":"text","text":"a"}]})"}) {
    EXPECT_THAT(read(body, false), HasSubstr("damaged")) << body;
  }
}

TEST(AnthropicClient, FailuresWithinAStreamAreEvents) {
  const std::string begun = kStart + block(0, kText) + delta(0, kHello);
  const auto error = [](const std::string& type) {
    return event("error", R"(,"error":{"type":")" + type + R"(","message":"gone"})");
  };
  for (const auto& [bytes, words] : std::vector<std::pair<std::string, std::string>>{
           {error("overloaded_error"), "failed gone unavailable overloaded_error true"},
           {error("invalid_request_error"),
            "failed gone invalid_argument invalid_request_error false"},
           {stream_error(wire::plain_error(503, "gone")),
            "failed gone unavailable overloaded_error true"}}) {
    const std::string out = read(begun + bytes + stop(0) + ending("end_turn"), true);
    EXPECT_THAT(out, HasSubstr("text Hel\n" + words));
    EXPECT_THAT(out, Not(HasSubstr("finished")));
  }
}

TEST(AnthropicClient, ReadsErrors) {
  const auto body = [](const char* type, const char* message) {
    return fmt::format(R"({{"type":"error","error":{{"type":"{}","message":"{}"}}}})", type,
                       message);
  };
  const struct {
    int status;
    std::string body;
    ErrorCode code;
    bool retryable;
  } cases[] = {
      {400, body("invalid_request_error", "m"), ErrorCode::kInvalidArgument, false},
      {400, body("invalid_request_error", "prompt is too long: 9 tokens > 5 maximum"),
       ErrorCode::kContextLength, false},
      {400,
       body("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2"),
       ErrorCode::kContextLength, false},
      {401, body("authentication_error", "m"), ErrorCode::kUnauthenticated, false},
      {403, body("permission_error", "m"), ErrorCode::kPermissionDenied, false},
      {404, body("not_found_error", "m"), ErrorCode::kNotFound, false},
      {413, body("request_too_large", "m"), ErrorCode::kInvalidArgument, false},
      {429, body("rate_limit_error", "m"), ErrorCode::kExhausted, true},
      {500, body("api_error", "m"), ErrorCode::kUnavailable, true},
      {504, body("timeout_error", "m"), ErrorCode::kDeadline, true},
      {529, body("overloaded_error", "m"), ErrorCode::kUnavailable, true},
      {502, "<html>bad gateway</html>", ErrorCode::kUnavailable, true},
      {500, "{}", ErrorCode::kUnavailable, true},
      {500, R"({"error":"gone"})", ErrorCode::kUnavailable, true},
  };
  for (const auto& each : cases) {
    const FailedEvent failed = read_error({.status = each.status}, each.body);
    EXPECT_EQ(failed.error.code, each.code) << each.body;
    EXPECT_EQ(failed.retryable, each.retryable) << each.body;
    EXPECT_EQ(failed.upstream->status, each.status);
    EXPECT_FALSE(failed.error.message.empty());
  }
}

TEST(AnthropicClient, ReadsModelsAndCounts) {
  const auto models =
      read_models(R"({"data":[{"type":"model","id":"a"},{"id":"b"},{},5],"has_more":false})");
  ASSERT_TRUE(models.ok());
  EXPECT_THAT(*models, ::testing::ElementsAre("a", "b"));
  for (const char* bad : {"", "[]", "{}", R"({"data":{}})"}) EXPECT_FALSE(read_models(bad).ok());
  EXPECT_EQ(*read_count(R"({"input_tokens":12})"), 12);
  for (const char* bad : {"", "12", "{}", R"({"input_tokens":"1"})", R"({"input_tokens":-1})"}) {
    EXPECT_FALSE(read_count(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace overtake::anthropic
