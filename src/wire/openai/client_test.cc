// The calling half against the serving half: what one writes, the other reads as it was.
#include "wire/openai/client.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/openai/answer.h"
#include "wire/openai/error.h"
#include "wire/openai/request.h"
#include "wire/read_in_pieces.h"

namespace overtake::openai {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

wire::Call parsed(const std::string& body) {
  wire::Call call;
  const auto json = parse_json(body, "test");
  EXPECT_TRUE(json.ok()) << body;
  const auto error = json.ok() ? parse_chat_request(json.value(), &call) : std::nullopt;
  EXPECT_FALSE(error) << error->message << "\n" << body;
  call.request.model = call.model;
  if (!call.prompts.empty()) call.request.prompt = call.prompts[0];
  return call;
}

// Every member of a request of OpenAI's dialect that can be said to any server.
const char* const kRequests[] = {
    R"("messages":[{"role":"user","content":"hi"}])",
    R"("messages":[{"role":"system","content":"s"},{"role":"developer","content":"d"},
       {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"n"}])",
    R"("messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"x":1}}],"more":[1]}])",
    R"("messages":[{"role":"user","content":[
       {"type":"image_url","image_url":{"url":"https://a.b/c.png","detail":"low"}},
       {"type":"image_url","image_url":{"url":"data:image/png;base64,AAEC"}},
       {"type":"input_audio","input_audio":{"data":"AAEC","format":"wav"}},
       {"type":"file","file":{"file_id":"f1"}},
       {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAEC"}}]}])",
    R"("messages":[{"role":"user","content":"x"},
       {"role":"assistant","content":null,"tool_calls":[
         {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
         {"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
       {"role":"tool","tool_call_id":"c1","content":"1"},
       {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"2"}]}])",
    R"("messages":[{"role":"assistant","content":"a","refusal":"no"},{"role":"user","content":""}])",
    R"("messages":[{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}])",
    R"("messages":[{"role":"user","content":"x"}],"tools":[
       {"type":"function","function":{"name":"f","description":"d","strict":true,
        "parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{}}}}},
       {"type":"function","function":{"name":"g"}},{"type":"custom","custom":{"name":"c"}}],
       "tool_choice":"required","parallel_tool_calls":false)",
    R"("messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],
       "tool_choice":{"type":"function","function":{"name":"f"}})",
    R"("messages":[{"role":"user","content":"x"}],"tool_choice":"none","web_search_options":{"a":1})",
    R"("messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"})",
    R"("messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",
       "json_schema":{"name":"n","description":"d","strict":false,"schema":{"b":1,"a":2}}})",
    R"("messages":[{"role":"user","content":"x"}],"temperature":0.5,"top_p":0.9,"seed":-3,
       "presence_penalty":1,"frequency_penalty":-1.5,"logit_bias":{"5":-100,"7":1.5},
       "stop":["a","b"],"max_tokens":7,"logprobs":true,"top_logprobs":3,"user":"u",
       "reasoning_effort":"low")",
    R"("messages":[{"role":"user","content":"x"}],"logprobs":true,"max_completion_tokens":9,
       "stop":"end","metadata":{"workload":"w","k":"v"},"service_tier":"flex","store":true,
       "prediction":{"type":"content","content":"c"})",
};
// What only the others take.
const char* const kCompatibleRequests[] = {
    R"("messages":[{"role":"user","content":"x"}],"top_k":5,"min_p":0.1,"repetition_penalty":1.2,
       "ignore_eos":true)",
    R"("messages":[{"role":"assistant","content":"a","reasoning_content":"because"}])",
    R"("messages":[{"role":"assistant","content":"a"}],"continue_final_message":true)",
    R"("messages":[{"role":"assistant","content":"a"}],"add_generation_prompt":false)",
};

// One text for all that a request holds: no member is left to an operator== that forgets it.
std::string dump_part(const ContentPart& part) {
  struct {
    std::string operator()(const TextPart& p) { return fmt::format("text {} {}", p.text, p.extra); }
    std::string operator()(const ImagePart& p) {
      return fmt::format("image {} {} {} {}", p.media_type, p.url, p.bytes, p.detail);
    }
    std::string operator()(const AudioPart& p) {
      return fmt::format("audio {} {}", p.format, p.bytes);
    }
    std::string operator()(const FilePart& p) {
      return fmt::format("file {} {} {} {} {}", p.name, p.media_type, p.url, p.bytes, p.id);
    }
    std::string operator()(const ReasoningPart& p) { return "reasoning " + p.text; }
    std::string operator()(const RefusalPart& p) { return "refusal " + p.text; }
    std::string operator()(const VendorPart& p) { return "vendor " + p.extra; }
    std::string operator()(const ToolCall& p) {
      return fmt::format("call {} {} {}", p.id, p.name, p.arguments);
    }
  } visitor;
  return std::visit(visitor, part);
}

std::string flag(const std::optional<bool>& value) { return value ? (*value ? "T" : "F") : "-"; }

std::string dump_chat(const ChatPrompt& chat) {
  std::string out;
  for (const Message& m : chat.messages) {
    out += fmt::format("\n{} name={} call={} extra={}", role_name(m.role), m.name, m.tool_call_id,
                       m.extra);
    for (const ContentPart& part : m.content) out += "\n  " + dump_part(part);
  }
  for (const ToolSpec& t : chat.tools) {
    out += fmt::format("\ntool {} {} {} {} {}", t.name, t.description, t.parameters, flag(t.strict),
                       t.extra);
  }
  return out + fmt::format("\nchoice {} {} {} generate={} continue={}",
                           static_cast<int>(chat.tool_choice.kind), chat.tool_choice.name,
                           flag(chat.tool_choice.parallel), chat.add_generation_prompt,
                           chat.continue_final_message);
}

std::string dump_request(const GenerateRequest& r) {
  const SamplingParams& s = r.sampling;
  std::string bias;
  for (const auto& [id, value] : s.logit_bias) bias += fmt::format("{}:{},", id, value);
  std::string stops;
  for (const std::string& stop : r.stop) stops += stop + "|";
  return fmt::format(
      "{} {} {} | t={} k={} p={} min={} rep={} pres={} freq={} bias={} seed={} | max={} stop={} "
      "eos={} logprobs={} | format {} {} {} {} {} | effort={} user={} work={} extra={}{}",
      r.model, r.dialect, r.workload, s.temperature.value_or(-1), s.top_k.value_or(-1),
      s.top_p.value_or(-1), s.min_p.value_or(-1), s.repetition_penalty.value_or(-1),
      s.presence_penalty, s.frequency_penalty, bias, s.seed.value_or(0), r.max_tokens.value_or(-1),
      stops, r.ignore_end, r.top_logprobs, static_cast<int>(r.format.kind), r.format.name,
      r.format.description, r.format.schema, flag(r.format.strict), r.reasoning.effort, r.end_user,
      r.workload, r.extra, dump_chat(std::get<ChatPrompt>(r.prompt)));
}

std::string written(const GenerateRequest& request, bool compatible, bool stream = true) {
  const auto out =
      compatible ? write_compatible_request(request, stream) : write_chat_request(request, stream);
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out.ok() ? out->body : "{}";
}

TEST(OpenAiClient, WhatIsWrittenIsReadAsItWas) {
  for (const bool compatible : {false, true}) {
    std::vector<std::string> requests(std::begin(kRequests), std::end(kRequests));
    if (compatible) {
      requests.insert(requests.end(), std::begin(kCompatibleRequests),
                      std::end(kCompatibleRequests));
    }
    for (const std::string& members : requests) {
      const wire::Call call = parsed("{\"model\":\"m\"," + members + "}");
      const std::string body = written(call.request, compatible);
      const wire::Call again = parsed(body);
      EXPECT_EQ(dump_request(again.request), dump_request(call.request)) << body;
      EXPECT_TRUE(again.stream && again.include_usage);
      EXPECT_FALSE(parsed(written(call.request, compatible, false)).stream);
    }
  }
}

TEST(OpenAiClient, OtherVendorsOwnFieldsStayBehind) {
  GenerateRequest request = parsed(R"({"model":"m","messages":[{"role":"user","content":
      [{"type":"text","text":"a","cache_control":1}],"extra_m":1}],"extra_r":1})")
                                .request;
  request.dialect = "anthropic";
  const std::string body = written(request, true);
  EXPECT_THAT(body, Not(HasSubstr("extra_")));
  EXPECT_THAT(body, Not(HasSubstr("cache_control")));

  ChatPrompt chat = std::get<ChatPrompt>(request.prompt);
  chat.tools.push_back({.extra = R"({"type":"web_search_20250305"})"});
  request.prompt = chat;
  EXPECT_EQ(write_chat_request(request, true).error().code, ErrorCode::kUnsupported);
}

TEST(OpenAiClient, OpenAiIsNotSentWhatItRefuses) {
  const GenerateRequest request = parsed(R"({"model":"m","messages":[{"role":"assistant",
      "content":"a","reasoning_content":"why"}],"max_tokens":5})")
                                      .request;
  const Json body = Json::parse(written(request, false));
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_EQ(body["max_completion_tokens"], 5);
  EXPECT_THAT(body.dump(), Not(HasSubstr("why")));
}

TEST(OpenAiClient, CallsWithoutIdsGetSomeAndTheirAnswersTheSame) {
  GenerateRequest request;
  ChatPrompt chat;
  Message calls{.role = Role::kAssistant};
  calls.content = {ToolCall{.name = "f", .arguments = "{}"},
                   ToolCall{.name = "g", .arguments = "{}"}};
  chat.messages.push_back(calls);
  for (const char* name : {"g", "f"}) {
    Message result{.role = Role::kTool, .content = {TextPart{"r"}}};
    result.name = name;
    chat.messages.push_back(result);
  }
  request.prompt = chat;
  const Json body = Json::parse(written(request, false));
  const Json& messages = body["messages"];
  EXPECT_EQ(messages[1]["tool_call_id"], messages[0]["tool_calls"][1]["id"]);
  EXPECT_EQ(messages[2]["tool_call_id"], messages[0]["tool_calls"][0]["id"]);
  EXPECT_NE(messages[1]["tool_call_id"], messages[2]["tool_call_id"]);
  EXPECT_FALSE(messages[1].contains("name")) << "OpenAI refuses it";
}

TEST(OpenAiClient, ResultsFollowTheirCalls) {
  GenerateRequest request;
  ChatPrompt chat;
  for (const char* name : {"f", "g"}) {
    Message said{.role = Role::kAssistant};
    said.content = {TextPart{name}, ToolCall{.id = name, .name = name, .arguments = "{}"}};
    chat.messages.push_back(said);
  }
  for (const char* name : {"f", "g"}) {
    Message result{.role = Role::kTool, .content = {TextPart{"r"}}, .tool_call_id = name};
    chat.messages.push_back(result);
  }
  request.prompt = chat;
  const Json messages = Json::parse(written(request, false))["messages"];
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0]["content"].size(), 2u);
  EXPECT_EQ(messages[0]["tool_calls"].size(), 2u);
}

TEST(OpenAiClient, RefusesWhatItCanNotSay) {
  GenerateRequest request;
  request.prompt = TextPrompt{"x"};
  EXPECT_EQ(write_chat_request(request, true).error().code, ErrorCode::kUnsupported);
  ChatPrompt chat;
  chat.messages.push_back({.role = Role::kUser, .content = {FilePart{.url = "https://a/b"}}});
  request.prompt = chat;
  EXPECT_EQ(write_chat_request(request, true).error().code, ErrorCode::kUnsupported);
}

// ---- answers -----------------------------------------------------------------------------------

std::string dump_event(const Event& event) {
  struct {
    std::string operator()(const StartedEvent& e) { return "started " + e.model + " " + e.id; }
    std::string operator()(const TextEvent& e) {
      std::string out = "text " + e.text;
      for (const TokenLogprob& token : e.logprobs) {
        out += fmt::format(" [{} {}", token.bytes, token.logprob);
        for (const auto& other : token.top)
          out += fmt::format(" {}={}", other.bytes, other.logprob);
        out += "]";
      }
      return out;
    }
    std::string operator()(const ReasoningEvent& e) { return "reasoning " + e.text; }
    std::string operator()(const RefusalEvent& e) { return "refusal " + e.text; }
    std::string operator()(const ToolEvent& e) {
      return fmt::format("tool {} {} {} {}", e.index, e.id, e.name, e.arguments);
    }
    std::string operator()(const CitationEvent& e) {
      return fmt::format("citation {} {} {} {}..{} {}", e.url, e.title, e.quote, e.begin, e.end,
                         e.native);
    }
    std::string operator()(const VendorEvent& e) {
      return fmt::format("{} {} {}", e.kind == VendorEvent::Kind::kPart ? "part" : "members",
                         e.dialect, e.json);
    }
    std::string operator()(const EmbeddingEvent&) { return "embedding"; }
    std::string operator()(const UsageEvent& e) {
      return fmt::format("usage {} {} {} {} {} {}", e.prompt_tokens, e.cached_tokens,
                         e.completion_tokens, e.reasoning_tokens, e.accepted_draft_tokens,
                         e.rejected_draft_tokens);
    }
    std::string operator()(const FinishedEvent& e) {
      return fmt::format("finished {} {}", static_cast<int>(e.reason), e.native_reason);
    }
    std::string operator()(const FailedEvent& e) {
      return fmt::format("failed {} {}", e.error.message, e.upstream->code);
    }
  } visitor;
  return std::visit(visitor, event);
}

// The events of `bytes`, fed in pieces, one a line; a last line "error" where the reader gave one.
std::string read(const std::string& bytes, bool stream, size_t piece = 1u << 20) {
  const auto reader = make_chat_reader(stream);
  std::vector<Event> events;
  const Status status = testing::read_in_pieces(*reader, bytes, piece, &events);
  std::string out;
  for (const Event& event : events) out += dump_event(event) + "\n";
  return out + (status.ok() ? "" : std::string(error_code_name(status.error().code)) + "\n");
}

struct Conversation {
  const char* name;
  std::vector<Event> events;
};

std::vector<Conversation> conversations() {
  UsageEvent usage;
  usage.prompt_tokens = 9;
  usage.cached_tokens = 4;
  usage.completion_tokens = 7;
  usage.reasoning_tokens = 3;
  usage.accepted_draft_tokens = 2;
  usage.rejected_draft_tokens = 1;
  const auto done = [](FinishReason reason, const char* native) {
    return FinishedEvent{reason, {}, native};
  };
  const StartedEvent started{"m", 0, {}, "chatcmpl-1"};
  const TextEvent sure{"é",
                       {{0, "\xc3", -0.5, {{0, "\xc3", -0.5}, {0, "x", -2}}}, {0, "\xa9", -1}}};
  return {
      {"text", {started, TextEvent{"Pa\"r\nis ✓"}, usage, done(FinishReason::kStop, "stop")}},
      {"logprobs", {started, sure, usage, done(FinishReason::kLength, "length")}},
      {"reasoning",
       {started, ReasoningEvent{"hm"}, TextEvent{"a"}, usage, done(FinishReason::kStop, "stop")}},
      {"citations",
       {started, TextEvent{"é rains"},
        CitationEvent{"u", "T", "", 2, 7,
                      R"({"type":"url_citation","url_citation":{"end_index":7,"start_index":2,)"
                      R"("title":"T","url":"u"}})"},
        usage, done(FinishReason::kStop, "stop")}},
      {"refusal", {started, RefusalEvent{"no"}, usage, done(FinishReason::kRefusal, "stop")}},
      {"filter",
       {started, TextEvent{"a"}, usage, done(FinishReason::kContentFilter, "content_filter")}},
      {"tools",
       {started, ToolEvent{0, "c1", "f", "{\"a\":1}"}, ToolEvent{1, "c2", "g", "{}"}, usage,
        done(FinishReason::kToolCalls, "tool_calls")}},
  };
}

TEST(OpenAiClient, ReadsWhatOurWritersWrite) {
  for (const Conversation& conversation : conversations()) {
    for (const bool stream : {false, true}) {
      wire::Call call;
      call.prompts.emplace_back(ChatPrompt{});
      call.stream = call.include_usage = stream;
      call.request.top_logprobs = 2;
      const auto writer = make_chat_writer(call, {"chatcmpl-1", 1, "m"});
      std::string bytes, expected;
      for (const Event& event : conversation.events) {
        writer->add(0, event, bytes);
        expected += dump_event(event) + "\n";
      }
      writer->finish(bytes);
      EXPECT_EQ(read(bytes, stream), expected) << conversation.name;
      EXPECT_EQ(read(bytes, stream, 1), expected) << conversation.name;
      // A part of it, however long, is never an answer.
      for (size_t cut = 0; cut + 2 < bytes.size(); ++cut) {
        EXPECT_THAT(read(bytes.substr(0, cut), stream), HasSubstr("damaged"))
            << conversation.name << " cut at " << cut;
      }
    }
  }
}

TEST(OpenAiClient, WritesCitationsOfOthersThatHaveAnAddress) {
  for (const bool stream : {false, true}) {
    wire::Call call;
    call.prompts.emplace_back(ChatPrompt{});
    call.stream = stream;
    const auto writer = make_chat_writer(call, {"chatcmpl-1", 1, "m"});
    std::string bytes;
    for (const Event& event : std::vector<Event>{
             TextEvent{"é rains"}, CitationEvent{"u", "T", "q", 2, 7}, CitationEvent{"", "D", "q"},
             VendorEvent{VendorEvent::Kind::kPart, "anthropic", "{\"x\":1}"}, UsageEvent{},
             FinishedEvent{}}) {
      writer->add(0, event, bytes);
    }
    writer->finish(bytes);
    EXPECT_THAT(bytes, HasSubstr(R"("annotations":[{"type":"url_citation","url_citation":)"
                                 R"({"end_index":7,"start_index":2,"title":"T","url":"u"}}])"));
    EXPECT_THAT(bytes, Not(HasSubstr("\"D\"")));
    EXPECT_THAT(bytes, Not(HasSubstr("\"x\"")));
  }
}

TEST(OpenAiClient, AStreamIsCompleteBeforeItsEndButNeverWithoutIt) {
  const auto reader = make_chat_reader(true);
  std::vector<Event> events;
  const auto feed = [&](std::string_view bytes) {
    EXPECT_TRUE(reader->feed(bytes, &events).ok());
    return reader->is_complete();
  };
  EXPECT_FALSE(feed("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"));
  EXPECT_FALSE(feed("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"));
  EXPECT_FALSE(feed("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":2}}"));
  EXPECT_TRUE(feed("\n\n"));
  EXPECT_FALSE(feed("data: [DO"));
  EXPECT_FALSE(reader->finish(&events).ok());
  const auto other = make_chat_reader(true);
  events.clear();
  EXPECT_TRUE(other
                  ->feed("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
                         "\"usage\":{}}\n\n",
                         &events)
                  .ok());
  EXPECT_TRUE(other->is_complete());
  EXPECT_TRUE(other->settle(&events).ok());
  EXPECT_TRUE(is_last(events.back()));
  EXPECT_FALSE(other->is_complete());
}

std::string chunk(const std::string& choice) { return "data: {\"choices\":[" + choice + "]}\n\n"; }
constexpr const char* kDone = "data: [DONE]\n\n";

TEST(OpenAiClient, ToleratesWhatImitatorsDo) {
  // Id and name again with every delta, no index; "stop" after a call; usage with each chunk.
  EXPECT_EQ(
      read(
          chunk(
              R"({"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}})") +
              chunk(
                  R"({"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]}})") +
              chunk(R"({"delta":{},"finish_reason":"stop"})") + kDone,
          true),
      "started  \ntool 0 a f {\ntool 0   }\nusage 0 0 0 0 0 0\nfinished 2 stop\n");
  EXPECT_EQ(read(": OPENROUTER PROCESSING\n\n" +
                     chunk(R"({"delta":{"reasoning":"r","content":""},"finish_reason":""})") +
                     chunk(R"({"delta":{"content":"a"},"finish_reason":"stop"})") +
                     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":2}}\n\n" + kDone,
                 true),
            "started  \nreasoning r\ntext a\nusage 2 0 0 0 0 0\nfinished 0 stop\n");
}

TEST(OpenAiClient, WrongUsageIsNoUsage) {
  for (const char* usage :
       {R"("x")", R"({"prompt_tokens":-5,"completion_tokens":"9"})",
        R"({"prompt_tokens":1e30,"completion_tokens":18446744073709551615})",
        R"({"prompt_tokens":0,"prompt_tokens_details":{"cached_tokens":99}})", "[]", "null"}) {
    EXPECT_THAT(read(chunk(R"({"delta":{"content":"a"},"finish_reason":"stop"})") +
                         "data: {\"choices\":[],\"usage\":" + usage + "}\n\n" + kDone,
                     true),
                HasSubstr("usage 0 0 0 0 0 0\nfinished"))
        << usage;
  }
}

TEST(OpenAiClient, DamageIsNeverAnAnswer) {
  const std::string good = chunk(R"({"delta":{"content":"a"},"finish_reason":"stop"})");
  for (const std::string& bytes :
       {std::string(), good, std::string(kDone), std::string("data: {oops\n\n"),
        chunk(R"({"delta":{"content":"a"}})") + kDone, std::string("data: 5\n\n"),
        std::string("data: {}\n\n"), std::string("data: {\"choices\":5}\n\n"), chunk("7"),
        chunk(R"({"index":1,"delta":{"content":"a"}})"),
        chunk(R"({"delta":{"tool_calls":[{"index":4000000000}]}})"),
        chunk(R"({"delta":{"tool_calls":{}}})"), std::string("<html>\n\n") + "data: <p>\n\n"}) {
    EXPECT_THAT(read(bytes, true), HasSubstr("damaged")) << bytes;
    EXPECT_THAT(read(bytes, true), Not(HasSubstr("finished"))) << bytes;
  }
  for (const char* body :
       {"", "{", "[]", "{}", R"({"choices":[]})", R"({"choices":[{"message":{"content":"a"}}]})"}) {
    EXPECT_THAT(read(body, false), HasSubstr("damaged")) << body;
  }
}

TEST(OpenAiClient, FailuresWithinAStreamAreEvents) {
  const std::string text = chunk(R"({"delta":{"content":"a"}})");
  for (const bool ours : {false, true}) {
    const std::string error =
        ours ? stream_error(wire::plain_error(503, "gone"))
             : R"(data: {"error":{"message":"gone","type":"server_error","code":"x"}})"
               "\n\n";
    const std::string out = read(text + error + kDone, true);
    EXPECT_THAT(out, HasSubstr("failed gone"));
    EXPECT_THAT(out, Not(HasSubstr("finished")));
  }
  EXPECT_THAT(read(R"({"error":"gone"})", false), HasSubstr("failed gone"));
  EXPECT_THAT(read(text + chunk(R"({"delta":{},"finish_reason":"abort"})") + kDone, true),
              HasSubstr("failed the upstream gave up"));
}

TEST(OpenAiClient, ReadsErrorsInAllTheirShapes) {
  const struct {
    int status;
    const char* body;
    const char* message;
    ErrorCode code;
    bool retryable;
  } cases[] = {
      {400, R"({"error":{"message":"m","type":"t","param":null,"code":null}})", "m",
       ErrorCode::kInvalidArgument, false},
      {400, R"({"error":{"message":"m","code":"context_length_exceeded"}})", "m",
       ErrorCode::kContextLength, false},
      {401, R"({"error":{"message":"m"}})", "m", ErrorCode::kUnauthenticated, false},
      {429, R"({"error":{"message":"m","code":"rate_limit_exceeded"}})", "m", ErrorCode::kExhausted,
       true},
      {404, R"({"object":"error","message":"m","type":"NotFoundError","code":404})", "m",
       ErrorCode::kNotFound, false},
      {422, R"({"detail":"m"})", "m", ErrorCode::kInvalidArgument, false},
      {400, R"([{"error":{"code":400,"message":"m"}}])", "m", ErrorCode::kInvalidArgument, false},
      {500, R"({"error":"m"})", "m", ErrorCode::kUnavailable, true},
      {502, "<html>bad gateway</html>", "status 502 without", ErrorCode::kUnavailable, true},
      {504, "", "status 504 without", ErrorCode::kDeadline, true},
      {409, "{}", "no reason", ErrorCode::kInvalidArgument, true},
  };
  for (const auto& each : cases) {
    const FailedEvent failed = read_error({.status = each.status}, each.body);
    EXPECT_THAT(failed.error.message, HasSubstr(each.message));
    EXPECT_EQ(failed.error.code, each.code) << each.body;
    EXPECT_EQ(failed.retryable, each.retryable) << each.body;
    EXPECT_EQ(failed.upstream->status, each.status);
  }
  const std::string huge = R"({"error":{"message":")" + std::string(100'000, 'x') + "\"}}";
  EXPECT_LE(read_error({.status = 400}, huge).error.message.size(), 2048u);
}

TEST(OpenAiClient, ReadsListsOfModels) {
  const auto models = read_models(R"({"object":"list","data":[{"id":"a"},{"id":"b/c"},{},5]})");
  ASSERT_TRUE(models.ok());
  EXPECT_THAT(*models, ::testing::ElementsAre("a", "b/c"));
  for (const char* bad : {"", "[]", "{}", R"({"data":{}})"}) EXPECT_FALSE(read_models(bad).ok());
}

}  // namespace
}  // namespace overtake::openai
