// Answers of Gemini's API, read back into events: our writer's, Google's, and broken ones.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/gemini/answer.h"
#include "wire/gemini/client.h"
#include "wire/gemini/error.h"
#include "wire/read_in_pieces.h"

namespace overtake::gemini {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string dump_event(const Event& event) {
  struct {
    std::string operator()(const StartedEvent& e) { return "started " + e.model + " " + e.id; }
    std::string operator()(const TextEvent& e) {
      std::string out = "text " + e.text + " " + e.signature;
      for (const TokenLogprob& token : e.logprobs) {
        out += fmt::format(" [{} {} {}", token.id, token.bytes, token.logprob);
        for (const auto& other : token.top)
          out += fmt::format(" {}:{}={}", other.id, other.bytes, other.logprob);
        out += "]";
      }
      return out;
    }
    std::string operator()(const ReasoningEvent& e) {
      return "reasoning " + e.text + " " + e.signature;
    }
    std::string operator()(const RefusalEvent& e) { return "refusal " + e.text; }
    std::string operator()(const ToolEvent& e) {
      return fmt::format("tool {} {} {} {} {}", e.index, e.id, e.name, e.arguments, e.signature);
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
      return fmt::format("usage {} {} {} {}", e.prompt_tokens, e.cached_tokens, e.completion_tokens,
                         e.reasoning_tokens);
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

// The events of `bytes`, fed in pieces, one a line; a last line "damaged" where that was said.
std::string read(const std::string& bytes, bool stream, size_t piece = 1u << 20) {
  const auto reader = make_reader(stream);
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
  const auto done = [](FinishReason reason, const char* native) {
    return FinishedEvent{reason, {}, native};
  };
  const StartedEvent started{"m", 0, {}, "r1"};
  const TextEvent sure{"é!", {{5, "é", -0.5, {{5, "é", -0.5}, {7, "x", -2}}}, {6, "!", -1, {}}}};
  return {
      {"text", {started, TextEvent{"Pa\"r\nis ✓"}, usage, done(FinishReason::kStop, "STOP")}},
      {"logprobs", {started, sure, usage, done(FinishReason::kLength, "MAX_TOKENS")}},
      {"reasoning",
       {started, ReasoningEvent{"hm", "c2ln"}, TextEvent{"a"}, usage,
        done(FinishReason::kStop, "STOP")}},
      {"a signature on text",
       {started, TextEvent{"a", {}, "c2ln"}, usage, done(FinishReason::kStop, "STOP")}},
      {"filter", {started, TextEvent{"a"}, usage, done(FinishReason::kContentFilter, "SAFETY")}},
      {"tools",
       {started, TextEvent{"so"}, ToolEvent{0, "c1", "f", "{\"a\":1}", "c2ln"},
        ToolEvent{1, "c2", "g", "{}"}, usage, done(FinishReason::kToolCalls, "STOP")}},
  };
}

TEST(GeminiClientAnswer, ReadsWhatOurWritersWrite) {
  for (const Conversation& conversation : conversations()) {
    for (const int form : {0, 1, 2}) {  // whole, events, an array
      wire::Call call;
      call.prompts.emplace_back(ChatPrompt{});
      call.stream = form != 0;
      const auto make = form == 2 ? make_array_writer : make_event_writer;
      const auto writer = make(call, {"r1", 1, "m"});
      std::string bytes, expected;
      for (const Event& event : conversation.events) {
        writer->add(0, event, bytes);
        expected += dump_event(event) + "\n";
      }
      writer->finish(bytes);
      for (const size_t piece : {1u << 20, 1u, 7u}) {
        EXPECT_EQ(read(bytes, form == 1, piece), expected) << conversation.name << form;
      }
      if (form == 2) {
        EXPECT_EQ(read(bytes, true, 3), expected) << "an array instead of events";
      }
      // A part of it, however long, is never an answer.
      for (size_t cut = 0; cut + 2 < bytes.size(); ++cut) {
        EXPECT_THAT(read(bytes.substr(0, cut), form == 1), HasSubstr("damaged"))
            << conversation.name << " cut at " << cut;
      }
    }
  }
}

// One line, however it is written here.
std::string chunk(const std::string& candidate, const std::string& more = "") {
  std::string json = R"({"candidates":[{)" + candidate + "}]" + more + "}";
  std::erase(json, '\n');
  return "data: " + json + "\r\n\r\n";
}
std::string parts(const std::string& parts) {
  return R"("content":{"role":"model","parts":[)" + parts + "]}";
}
std::string ends(const std::string& reason) { return chunk(R"("finishReason":")" + reason + "\""); }

TEST(GeminiClientAnswer, CountsAsOthersDo) {
  const std::string out =
      read(chunk(parts(R"({"text":"a"})"),
                 R"(,"usageMetadata":{"promptTokenCount":9},"modelVersion":"g","responseId":"r")") +
               chunk(R"("finishReason":"STOP")",
                     R"(,"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,
                        "candidatesTokenCount":5,"thoughtsTokenCount":3,
                        "toolUsePromptTokenCount":2,"totalTokenCount":19})"),
           true);
  EXPECT_EQ(out, "started g r\ntext a \nusage 11 4 8 3\nfinished 0 STOP\n");
  for (const char* usage :
       {R"("x")", R"({"promptTokenCount":-5,"candidatesTokenCount":"9"})",
        R"({"promptTokenCount":1e30,"candidatesTokenCount":18446744073709551615})",
        R"({"cachedContentTokenCount":99})", "[]", "null"}) {
    EXPECT_THAT(
        read(chunk(R"("finishReason":"STOP")", std::string(R"(,"usageMetadata":)") + usage), true),
        HasSubstr("usage 0 0 0 0\nfinished"))
        << usage;
  }
}

TEST(GeminiClientAnswer, TellsWhyItEnded) {
  const std::string text = chunk(parts(R"({"text":"a"})"));
  for (const char* filter : {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
                             "LANGUAGE", "IMAGE_SAFETY"}) {
    EXPECT_THAT(read(text + ends(filter), true), HasSubstr(fmt::format("finished 3 {}", filter)));
  }
  EXPECT_THAT(read(text + ends("MAX_TOKENS"), true), HasSubstr("finished 1 MAX_TOKENS"));
  EXPECT_THAT(read(chunk(parts(R"({"functionCall":{"name":"f"}})")) + ends("STOP"), true),
              HasSubstr("tool 0  f {} \nusage 0 0 0 0\nfinished 2 STOP"));
  for (const char* broken : {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER",
                             "MALFORMED_RESPONSE", "SOMETHING_NEW"}) {
    const std::string out = read(text + ends(broken), true);
    EXPECT_THAT(out, HasSubstr(fmt::format("broke off ({}) {}\n", broken, broken)));
    EXPECT_THAT(out, Not(HasSubstr("finished")));
  }
  EXPECT_THAT(read(text + chunk(R"("finishReason":"OTHER","finishMessage":"why")"), true),
              HasSubstr("(OTHER): why"));
  // A prompt that is refused is no broken answer.
  EXPECT_EQ(read(R"({"promptFeedback":{"blockReason":"OTHER"},"usageMetadata":)"
                 R"({"promptTokenCount":4}})",
                 false),
            "started  \nmembers gemini {\"answer\":{\"promptFeedback\":{\"blockReason\":"
            "\"OTHER\"}}}\nusage 4 0 0 0\nfinished 3 OTHER\n");
}

TEST(GeminiClientAnswer, PartsOfAllKinds) {
  const std::string out =
      read(chunk(parts(R"({"text":"h","thought":true},{"thoughtSignature":"c2ln"},{},{"text":""},
        {"executableCode":{"language":"PYTHON","code":"print 1"}
},
        {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1\n"}},
        {"functionCall":{"id":"i","name":"f","args":{"b":1,"a":"é"}},"thoughtSignature":"eA=="})")) +
               ends("STOP"),
           true);
  EXPECT_EQ(out,
            "started  \nreasoning h \ntext  c2ln\n"
            "part gemini {\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"print 1\"}}\n"
            "part gemini {\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\",\"output\":"
            "\"1\\n\"}}\ntool 0 i f {\"b\":1,\"a\":\"é\"} eA==\n"
            "usage 0 0 0 0\nfinished 2 STOP\n");
  for (const char* unknown : {R"({"inlineData":{"mimeType":"image/png","data":"AAEC"}})",
                              R"({"toolCall":{"toolType":"x"}})", R"({"fromTheFuture":1})"}) {
    EXPECT_THAT(read(chunk(parts(unknown)) + ends("STOP"), true),
                HasSubstr(fmt::format("part gemini {}\nusage", unknown)));
  }
}

TEST(GeminiClientAnswer, TellsWhatItsTextRestsOn) {
  const std::string grounding =
      R"("groundingMetadata":{"groundingChunks":[{"web":{"uri":"u","title":"T"}},{"web":{}}],)"
      R"("groundingSupports":[{"segment":{"startIndex":3,"endIndex":7},)"
      R"("groundingChunkIndices":[0,1,9,-1,"x"]},{"segment":5},7]})";
  const std::string out =
      read(chunk(parts(R"({"text":"é ra"})")) +
               chunk(parts(R"({"text":"in"})") + "," + grounding + R"(,"finishReason":"STOP")"),
           true);
  EXPECT_THAT(out, HasSubstr("members gemini {\"candidate\":{" + grounding +
                             "}}\ntext in \n"
                             "citation u T  2..6 \nusage"));
  EXPECT_THAT(read(chunk(parts(R"({"text":"é rain"})") +
                         R"(,"citationMetadata":{"citationSources":[{"endIndex":2,"uri":"u"},{}]})"
                         R"(,"finishReason":"STOP")"),
                   true),
              HasSubstr("\ncitation u   0..1 \nusage"));
  for (const char* odd : {"5", "{}", R"({"groundingSupports":[{}],"groundingChunks":5})",
                          R"({"groundingSupports":{},"groundingChunks":[]})"}) {
    EXPECT_THAT(read(chunk(std::string(R"("groundingMetadata":)") + odd) + ends("STOP"), true),
                HasSubstr("finished 0"));
  }
}

std::string written(const std::vector<Event>& events, bool stream) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  const auto writer = make_event_writer(call, {"r1", 1, "m"});
  std::string bytes;
  for (const Event& event : events) writer->add(0, event, bytes);
  writer->finish(bytes);
  return bytes;
}

TEST(GeminiClientAnswer, WhatOthersRestOnIsWrittenAsGrounding) {
  const CitationEvent page{"u", "T", "q", 2, 6};
  const CitationEvent document{"", "D", "q", 0, 1};
  const std::vector<Event> events = {TextEvent{"é rain"}, page,           page, document,
                                     UsageEvent{},        FinishedEvent{}};
  for (const bool stream : {false, true}) {
    const std::string out = written(events, stream);
    EXPECT_THAT(out, HasSubstr(R"("groundingChunks":[{"web":{"uri":"u","title":"T"}}],)"
                               R"("groundingSupports":[{"segment":{"startIndex":3,"endIndex":7,)"
                               R"("text":"rain"},"groundingChunkIndices":[0]},)"))
        << stream;
    EXPECT_THAT(read(out, stream), HasSubstr("citation u T  2..6")) << stream;
  }
}

TEST(GeminiClientAnswer, ItsOwnMembersComeBackWhereTheyWere) {
  using Kind = VendorEvent::Kind;
  const std::vector<Event> events = {
      VendorEvent{Kind::kMembers, "gemini", R"({"candidate":{"groundingMetadata":{"g":1}}})"},
      TextEvent{"a"},
      VendorEvent{Kind::kPart, "gemini", R"({"executableCode":{"code":"x"}})"},
      VendorEvent{Kind::kPart, "another", R"({"not":"mine"})"},
      CitationEvent{"u", "T", "", 0, 1},
      VendorEvent{Kind::kMembers, "gemini", R"({"usage":{"trafficType":"t"},"answer":{"z":1}})"},
      UsageEvent{},
      FinishedEvent{}};
  for (const bool stream : {false, true}) {
    const std::string out = written(events, stream);
    EXPECT_THAT(out, HasSubstr(R"("groundingMetadata":{"g":1})"));
    EXPECT_THAT(out, Not(HasSubstr("groundingChunks")));
    EXPECT_THAT(out, HasSubstr(R"({"executableCode":{"code":"x"}})"));
    EXPECT_THAT(out, Not(HasSubstr("mine")));
    EXPECT_THAT(out, HasSubstr(R"("trafficType":"t"})"));
    EXPECT_THAT(out, HasSubstr(R"("z":1)"));
  }
}

TEST(GeminiClientAnswer, DamageIsNeverAnAnswer) {
  const std::string text = chunk(parts(R"({"text":"a"})"));
  for (const std::string& bytes :
       {std::string(),
        text,
        text + ends("") + text,
        text + ends("FINISH_REASON_UNSPECIFIED"),
        std::string("data: {oops\n\n"),
        std::string("data: 5\n\n"),
        std::string("data: {}\n\n"),
        std::string("data: [DONE]\n\n"),
        std::string("data: {\"candidates\":5}\n\n"),
        std::string("data: {\"candidates\":[7]}\n\n"),
        chunk(R"("index":1,)" + parts("")),
        chunk(R"("content":{"parts":{}})"),
        chunk(parts("5")),
        chunk(parts(R"({"text":5})")),
        chunk(parts(R"({"functionCall":{"args":{}}})")),
        chunk(parts(R"({"functionCall":{"name":"f","args":[]}})")),
        chunk(parts(R"({"functionCall":{"name":"f","willContinue":true}})")),
        text + ends("STOP") + "data: {\"cand",
        text + "{\"candidates\":[]}",
        text + "{oops",
        std::string("<html>\n\n"),
        std::string("[]")}) {
    EXPECT_THAT(read(bytes, true), HasSubstr("damaged")) << bytes;
    EXPECT_THAT(read(bytes, true), Not(HasSubstr("finished"))) << bytes;
  }
  for (const char* body :
       {"", "{", "[]", "[[]]", "{}", R"({"candidates":[]})", R"([{"candidates":[]},5])"}) {
    EXPECT_THAT(read(body, false), HasSubstr("damaged")) << body;
  }
}

// Within a stream Google's errors are events, or break it off as they are.
TEST(GeminiClientAnswer, FailuresWithinAStreamAreEvents) {
  const std::string text = chunk(parts(R"({"text":"a"})"));
  const std::string error =
      "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"overloaded\",\n"
      "    \"status\": \"UNAVAILABLE\"\n  }\n}\n";
  for (const std::string& bytes :
       {text + error, text + "[" + error + "]", text + ends("STOP") + error, error,
        text + event_error(wire::plain_error(503, "overloaded")) + error,
        text + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n" + ends("STOP")}) {
    for (const size_t piece : {1u << 20, 1u}) {
      const std::string out = read(bytes, true, piece);
      EXPECT_THAT(out, HasSubstr("failed overloaded")) << bytes;
      EXPECT_THAT(out, Not(HasSubstr("finished"))) << bytes;
    }
  }
  EXPECT_THAT(
      read(R"([{"candidates":[{"finishReason":"STOP"}]},{"error":{"message":"x"}}])", false),
      HasSubstr("failed x"));
}

TEST(GeminiClientAnswer, ReadsErrorsInAllTheirShapes) {
  const struct {
    int status;
    const char* body;
    const char* message;
    ErrorCode code;
    bool retryable;
    int64_t retry_after_ms;
  } cases[] = {
      {400, R"({"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}})", "m",
       ErrorCode::kInvalidArgument, false, -1},
      {400, R"({"error":{"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[
         {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}})",
       "API key", ErrorCode::kUnauthenticated, false, -1},
      {400,
       R"({"error":{"message":"User location is not supported","status":"FAILED_PRECONDITION"}})",
       "location", ErrorCode::kPermissionDenied, false, -1},
      {400,
       R"({"error":{"message":"The input token count (9) exceeds the maximum of (8).","status":"INVALID_ARGUMENT"}})",
       "token count", ErrorCode::kContextLength, false, -1},
      {403, R"({"error":{"message":"m","status":"PERMISSION_DENIED"}})", "m",
       ErrorCode::kPermissionDenied, false, -1},
      {404, R"([{"error":{"message":"m","status":"NOT_FOUND"}}])", "m", ErrorCode::kNotFound, false,
       -1},
      {429, R"({"error":{"message":"m","status":"RESOURCE_EXHAUSTED","details":[
         {"@type":"type.googleapis.com/google.rpc.QuotaFailure"},
         {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"}]}})",
       "m", ErrorCode::kExhausted, true, 17'000},
      {429, R"({"error":{"message":"m","details":[
         {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.25s"}]}})",
       "m", ErrorCode::kExhausted, true, 250},
      {429, R"({"error":{"message":"m","details":[
         {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"-5s"},5]}})",
       "m", ErrorCode::kExhausted, true, -1},
      {500, R"({"error":"m"})", "m", ErrorCode::kUnavailable, true, -1},
      {502, "<html>bad gateway</html>", "status 502 without", ErrorCode::kUnavailable, true, -1},
      {504, "", "status 504 without", ErrorCode::kDeadline, true, -1},
      {409, R"({"error":{}})", "no reason", ErrorCode::kInvalidArgument, true, -1},
  };
  for (const auto& each : cases) {
    const FailedEvent failed = read_error({.status = each.status}, each.body);
    EXPECT_THAT(failed.error.message, HasSubstr(each.message));
    EXPECT_EQ(failed.error.code, each.code) << each.body;
    EXPECT_EQ(failed.retryable, each.retryable) << each.body;
    EXPECT_EQ(failed.upstream->status, each.status);
    EXPECT_EQ(failed.upstream->retry_after_ms.value_or(-1), each.retry_after_ms) << each.body;
  }
}

TEST(GeminiClientAnswer, ReadsListsOfModels) {
  const auto models = read_models(R"({"models":[{"name":"models/a"},{},5,
      {"name":"models/e","supportedGenerationMethods":["embedContent"]},
      {"name":"models/b","supportedGenerationMethods":["generateContent","countTokens"]}]})");
  ASSERT_TRUE(models.ok());
  EXPECT_THAT(*models, ::testing::ElementsAre("a", "b"));
  EXPECT_TRUE(read_models("{}")->empty());
  for (const char* bad : {"", "[]", R"({"models":{}})", R"({"data":[]})"}) {
    EXPECT_FALSE(read_models(bad).ok()) << bad;
  }
  EXPECT_EQ(next_models_path(R"({"models":[],"nextPageToken":"a&b/c=é"})"),
            "/v1beta/models?pageSize=1000&pageToken=a%26b%2Fc%3D%C3%A9");
  for (const char* last : {"", "[]", "{}", R"({"nextPageToken":5})"}) {
    EXPECT_EQ(next_models_path(last), "");
  }
}

}  // namespace
}  // namespace overtake::gemini
