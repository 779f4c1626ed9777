// The calling half against the serving half: what one writes, the other reads as it was.
#include "wire/ollama/client.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "wire/ollama/answer.h"
#include "wire/ollama/error.h"
#include "wire/ollama/request.h"
#include "wire/read_in_pieces.h"

namespace overtake::ollama {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

GenerateRequest parsed(bool chat, const std::string& body) {
  wire::Call call;
  const auto json = parse_json(body, "test");
  EXPECT_TRUE(json.ok()) << body;
  if (!json.ok()) return {};
  const auto error = chat ? parse_chat_request(*json, &call) : parse_generate_request(*json, &call);
  EXPECT_FALSE(error) << error->message << "\n" << body;
  call.request.model = call.model;
  if (!call.prompts.empty()) call.request.prompt = call.prompts[0];
  return call.request;
}

std::string dump_part(const ContentPart& part) {
  struct {
    std::string operator()(const TextPart& p) { return "text " + p.text; }
    std::string operator()(const ImagePart& p) { return "image " + p.bytes; }
    std::string operator()(const ReasoningPart& p) { return "reasoning " + p.text; }
    std::string operator()(const ToolCall& p) {
      return fmt::format("call {} {} {} {}", p.id, p.name, p.arguments, p.extra);
    }
    std::string operator()(const AudioPart&) { return "audio"; }
    std::string operator()(const FilePart&) { return "file"; }
    std::string operator()(const RefusalPart&) { return "refusal"; }
    std::string operator()(const VendorPart& p) { return "vendor " + p.extra; }
  } visitor;
  return std::visit(visitor, part);
}

std::string dump_prompt(const Prompt& prompt) {
  if (const auto* text = std::get_if<TextPrompt>(&prompt)) return "\nraw " + text->text;
  std::string out;
  const auto& chat = std::get<ChatPrompt>(prompt);
  for (const Message& m : chat.messages) {
    out += fmt::format("\n{} name={} call={} extra={}", role_name(m.role), m.name, m.tool_call_id,
                       m.extra);
    for (const ContentPart& part : m.content) out += "\n  " + dump_part(part);
  }
  for (const ToolSpec& t : chat.tools) {
    out += fmt::format("\ntool {} {} {} {}", t.name, t.description, t.parameters, t.extra);
  }
  return out;
}

std::string dump_request(const GenerateRequest& r) {
  const SamplingParams& s = r.sampling;
  std::string stops;
  for (const std::string& stop : r.stop) stops += stop + "|";
  const std::string think = r.reasoning.enabled ? (*r.reasoning.enabled ? "yes" : "no") : "unsaid";
  // The order of a JSON object's members says nothing.
  const std::string extra = r.extra.empty() ? "" : nlohmann::json::parse(r.extra).dump();
  return fmt::format(
      "{} {} | t={} k={} p={} min={} rep={} pres={} freq={} seed={} | max={} stop={} logprobs={} "
      "| format {} {} | think={} {} | extra={}{}",
      r.model, r.dialect, s.temperature.value_or(-1), s.top_k.value_or(-1), s.top_p.value_or(-1),
      s.min_p.value_or(-1), s.repetition_penalty.value_or(-1), s.presence_penalty,
      s.frequency_penalty, s.seed.value_or(0), r.max_tokens.value_or(-1), stops, r.top_logprobs,
      static_cast<int>(r.format.kind), r.format.schema, think, r.reasoning.effort, extra,
      dump_prompt(r.prompt));
}

Json written(const GenerateRequest& request, bool stream = true) {
  const auto out = write_request(request, stream);
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out.ok() ? Json::parse(out->body) : Json::object();
}

// Every member of a request to /api/chat.
const char* const kChats[] = {
    R"("messages":[{"role":"user","content":"hi"}])",
    R"("messages":[{"role":"system","content":"s"},
       {"role":"user","content":"u","images":["iVBORw0KGgo=","/9j/"],"mood":"good"},
       {"role":"assistant","content":"","thinking":"t","tool_calls":[
         {"id":"c1","function":{"index":0,"name":"f","arguments":{"z":1,"a":[2]}},"more":1},
         {"function":{"name":"g","arguments":{}}}]},
       {"role":"tool","tool_name":"f","tool_call_id":"c1","content":"r"},
       {"role":"tool","tool_name":"g","content":"r"}])",
    R"("messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","cache":1,
       "function":{"name":"f","description":"d","parameters":{"type":"object","required":["b"]}}},
       {"type":"function","function":{"name":"g"}}])",
    R"("messages":[{"role":"user","content":"x"}],"format":"json","think":true)",
    R"("messages":[{"role":"user","content":"x"}],"format":{"type":"object","b":1,"a":2},
       "think":false)",
    R"("messages":[{"role":"user","content":"x"}],"think":"medium","logprobs":true,
       "top_logprobs":3,"keep_alive":"5m","truncate":true,
       "options":{"temperature":0.5,"top_k":7,"top_p":0.9,"min_p":0.1,"seed":-3,"stop":["a","b"],
         "num_predict":9,"num_ctx":4096,"repeat_penalty":1.1,"presence_penalty":0.5,
         "frequency_penalty":0.25,"num_thread":2,"repeat_last_n":-1})",
    R"("messages":[{"role":"user","content":"x"}],"logprobs":true,"options":{"num_gpu":1})",
};
const char* const kGenerates[] = {
    R"("prompt":"a\"b","raw":true)",
    R"("prompt":"p","raw":true,"format":"json","keep_alive":0,"options":{"seed":5,"num_ctx":1})",
};

TEST(OllamaClient, WhatIsWrittenIsReadAsItWas) {
  const auto check = [](bool chat, const std::string& members) {
    const GenerateRequest request = parsed(chat, "{\"model\":\"m:7b\"," + members + "}");
    const auto out = write_request(request, true);
    ASSERT_TRUE(out.ok()) << out.error().message;
    EXPECT_EQ(out->path, chat ? "/api/chat" : "/api/generate");
    EXPECT_EQ(dump_request(parsed(chat, out->body)), dump_request(request)) << out->body;
    EXPECT_EQ(Json::parse(out->body)["stream"], true);
    EXPECT_EQ(written(request, false)["stream"], false);
  };
  for (const char* members : kChats) check(true, members);
  for (const char* members : kGenerates) check(false, members);
}

TEST(OllamaClient, OtherVendorsOwnFieldsStayBehind) {
  GenerateRequest request =
      parsed(true, R"({"messages":[{"role":"user","content":"x","m_more":1}],"r_more":1,
                       "options":{"o_more":1,"presence_penalty":1}})");
  request.dialect = "openai";
  const Json body = written(request);
  EXPECT_THAT(body.dump(), Not(HasSubstr("_more")));
  // Penalties of other dialects count the whole text.
  EXPECT_EQ(body["options"]["repeat_last_n"], -1);
}

GenerateRequest chat_of(Message message) {
  GenerateRequest request;
  request.prompt = ChatPrompt{{std::move(message)}};
  return request;
}

TEST(OllamaClient, SaysWhatOtherDialectsMean) {
  Message mixed{.role = Role::kDeveloper};
  mixed.content = {TextPart{"a"}, RefusalPart{"b"}, TextPart{"c"}};
  const Json message = written(chat_of(mixed))["messages"][0];
  EXPECT_EQ(message["role"], "system");
  EXPECT_EQ(message["content"], "abc");

  GenerateRequest request = chat_of({.content = {TextPart{"x"}}});
  const auto think = [&](std::string effort, std::optional<int64_t> budget) {
    request.reasoning = {.effort = std::move(effort), .budget_tokens = budget};
    return written(request)["think"];
  };
  EXPECT_EQ(think("none", {}), false);
  EXPECT_EQ(think("", 0), false);
  EXPECT_EQ(think("minimal", {}), "low");
  EXPECT_EQ(think("xhigh", {}), "high");
  EXPECT_EQ(think("", 2048), "low");
  EXPECT_EQ(think("", 2049), "medium");
  EXPECT_EQ(think("", 100000), "high");
  EXPECT_TRUE(think("", {}).is_null());
}

// OpenAI's results name no tool, and Ollama's templates want one.
TEST(OllamaClient, ResultsGetTheNameOfTheirTool) {
  Message calls{.role = Role::kAssistant};
  calls.content = {ToolCall{.id = "c1", .name = "f", .arguments = ""},
                   ToolCall{.id = "c2", .name = "g", .arguments = "{\"x\":1}"}};
  GenerateRequest request = chat_of(calls);
  Message result{.role = Role::kTool, .content = {TextPart{"r"}}};
  result.tool_call_id = "c2";
  std::get<ChatPrompt>(request.prompt).messages.push_back(result);
  const Json messages = written(request)["messages"];
  EXPECT_EQ(messages[0]["tool_calls"][0]["function"]["arguments"], Json::object());
  EXPECT_EQ(messages[0]["tool_calls"][1]["function"]["arguments"]["x"], 1);
  EXPECT_EQ(messages[1]["tool_name"], "g");
  EXPECT_EQ(messages[1]["tool_call_id"], "c2");
}

TEST(OllamaClient, ToolsThatMayNotBeCalledAreNotShown) {
  GenerateRequest request = chat_of({.content = {TextPart{"x"}}});
  auto& chat = std::get<ChatPrompt>(request.prompt);
  chat.tools.push_back({.name = "f"});
  EXPECT_TRUE(written(request).contains("tools"));
  chat.tool_choice.kind = ToolChoice::Kind::kNone;
  EXPECT_FALSE(written(request).contains("tools"));
}

TEST(OllamaClient, RefusesWhatItCanNotSay) {
  const auto code = [](const GenerateRequest& request) {
    const auto out = write_request(request, true);
    return out.ok() ? std::string("written") : std::string(error_code_name(out.error().code));
  };
  const std::string unsupported(error_code_name(ErrorCode::kUnsupported));
  EXPECT_EQ(code(chat_of({.content = {ImagePart{.url = "https://a/b.png"}}})), unsupported);
  GenerateRequest request;
  request.prompt = TokenPrompt{{1}};
  EXPECT_EQ(code(request), unsupported);
  request = chat_of({.role = Role::kAssistant, .content = {TextPart{"x"}}});
  auto& chat = std::get<ChatPrompt>(request.prompt);
  chat.continue_final_message = true;
  EXPECT_EQ(code(request), unsupported);
  chat.continue_final_message = false;
  chat.tools.push_back({.name = "f"});
  chat.tool_choice.parallel = false;
  EXPECT_EQ(code(request), unsupported);
  for (const char* arguments : {"[1]", "{", "5"}) {
    request = chat_of({.role = Role::kAssistant, .content = {ToolCall{"", "f", arguments}}});
    EXPECT_NE(code(request), "written") << arguments;
  }
  EXPECT_FALSE(client_dialect.features.has(Feature::kForcedTools));
}

// ---- answers -----------------------------------------------------------------------------------

std::string dump_event(const Event& event) {
  struct {
    std::string operator()(const StartedEvent& e) { return "started " + e.model; }
    std::string operator()(const TextEvent& e) {
      std::string out = "text " + e.text;
      for (const TokenLogprob& token : e.logprobs) {
        out += fmt::format(" [{} {}", token.bytes, token.logprob);
        for (const auto& other : token.top) {
          out += fmt::format(" {}={}", other.bytes, other.logprob);
        }
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
      return fmt::format("usage {} {} {} {}", e.prompt_tokens, e.completion_tokens, e.prefill_us,
                         e.decode_us);
    }
    std::string operator()(const FinishedEvent& e) {
      return fmt::format("finished {} {}", static_cast<int>(e.reason), e.native_reason);
    }
    std::string operator()(const FailedEvent& e) { return "failed " + e.error.message; }
  } visitor;
  return std::visit(visitor, event);
}

// The events of `bytes`, fed in pieces, one a line; a last line "damaged" where the reader says so.
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
  usage.completion_tokens = 7;
  usage.prefill_us = 3;
  usage.decode_us = 5;
  const auto done = [](FinishReason reason, const char* native) {
    return FinishedEvent{reason, {}, native};
  };
  const StartedEvent started{"m"};
  const TextEvent sure{"é",
                       {{0, "\xc3", -0.5, {{0, "\xc3", -0.5}, {0, "x", -2}}}, {0, "\xa9", -1}}};
  return {
      {"text", {started, TextEvent{"Pa\"r\nis ✓"}, usage, done(FinishReason::kStop, "stop")}},
      {"logprobs", {started, sure, usage, done(FinishReason::kLength, "length")}},
      {"reasoning",
       {started, ReasoningEvent{"hm"}, TextEvent{"a"}, usage, done(FinishReason::kStop, "stop")}},
      {"filter",
       {started, TextEvent{"a"}, usage, done(FinishReason::kContentFilter, "content_filter")}},
      {"tools",
       {started, TextEvent{"a"}, ToolEvent{0, "c1", "f", "{\"b\":1,\"a\":2}"},
        ToolEvent{1, "c2", "g", "{}"}, usage, done(FinishReason::kToolCalls, "stop")}},
  };
}

// What the answers of `chat` or generate say to `events`, and what they should be read as.
void check(const Conversation& conversation, bool chat, bool stream) {
  wire::Call call;
  call.prompts.emplace_back(ChatPrompt{});
  call.stream = stream;
  const auto writer = (chat ? make_chat_writer : make_generate_writer)(call, {"", 1, "m"});
  std::string bytes, expected;
  for (const Event& event : conversation.events) {
    writer->add(0, event, bytes);
    expected += dump_event(event) + "\n";
  }
  writer->finish(bytes);
  for (const size_t piece : {1u << 20, 1u, 7u}) {
    EXPECT_EQ(read(bytes, stream, piece), expected) << conversation.name;
  }
  // A part of it, however long, is never an answer.
  for (size_t cut = 0; cut + 2 < bytes.size(); ++cut) {
    EXPECT_THAT(read(bytes.substr(0, cut), stream), HasSubstr("damaged"))
        << conversation.name << " cut at " << cut;
  }
}

TEST(OllamaClient, ReadsWhatOurWritersWrite) {
  for (const Conversation& conversation : conversations()) {
    const bool has_tools = std::string_view(conversation.name) == "tools";
    for (const bool stream : {false, true}) {
      check(conversation, true, stream);
      if (!has_tools) check(conversation, false, stream);
    }
  }
}

const std::string kEnd =
    R"({"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"})"
    "\n";
std::string line(const std::string& message) {
  return "{\"model\":\"m\",\"message\":" + message + ",\"done\":false}\n";
}

TEST(OllamaClient, EveryCallHasAnIdOfItsOwn) {
  const auto reader = make_reader(true);
  std::vector<Event> events;
  const std::string call = R"({"function":{"name":"f","arguments":{}}})";
  ASSERT_TRUE(
      reader->feed(line(R"({"tool_calls":[)" + call + "," + call + "]}") + kEnd, &events).ok());
  const auto& first = std::get<ToolEvent>(events.at(1));
  const auto& second = std::get<ToolEvent>(events.at(2));
  EXPECT_FALSE(first.id.empty());
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(second.index, 1);
}

TEST(OllamaClient, DamageIsNeverAnAnswer) {
  const std::string text = line(R"({"content":"a"})");
  for (const std::string& bytes :
       {std::string(), std::string("\n\n"), text, text + "{oops\n", text + "5\n", text + "{}\n",
        text + "{\"message\":5,\"done\":true}\n", text + "{\"message\":{\"content\":\"a\"",
        line(R"({"tool_calls":{}})"), line(R"({"tool_calls":[5]})"),
        line(R"({"tool_calls":[{"function":{"arguments":{}}}]})"),
        line(R"({"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]})"),
        std::string("<html>\n"), text + "{\"done\":true}\n"}) {
    EXPECT_THAT(read(bytes, true), HasSubstr("damaged")) << bytes;
    EXPECT_THAT(read(bytes, true), Not(HasSubstr("finished"))) << bytes;
  }
  for (const char* body : {"", "{", "[]", "{}", R"({"message":{"content":"a"}})",
                           R"({"response":"a","done":false})"}) {
    EXPECT_THAT(read(body, false), HasSubstr("damaged")) << body;
  }
}

TEST(OllamaClient, WrongUsageIsNoUsage) {
  for (const char* usage :
       {R"("prompt_eval_count":-5)", R"("eval_count":"9")", R"("eval_count":1e30)",
        R"("eval_duration":18446744073709551615)", R"("prompt_eval_count":[])"}) {
    EXPECT_THAT(read(std::string(R"({"response":"a","done":true,)") + usage + "}", false),
                HasSubstr("usage 0 0 0 0\nfinished"))
        << usage;
  }
}

TEST(OllamaClient, FailuresWithinAStreamAreEvents) {
  const std::string text = line(R"({"content":"a"})");
  for (const std::string& error :
       {stream_error(wire::plain_error(503, "gone")), std::string("{\"error\":\"gone\"}\n")}) {
    const std::string out = read(text + error + kEnd, true);
    EXPECT_THAT(out, HasSubstr("failed gone"));
    EXPECT_THAT(out, Not(HasSubstr("finished")));
  }
}

TEST(OllamaClient, ReadsErrors) {
  const struct {
    int status;
    const char* body;
    const char* message;
    ErrorCode code;
    bool retryable;
  } cases[] = {
      {400, R"({"error":"m"})", "m", ErrorCode::kInvalidArgument, false},
      {400, R"({"error":"the input length exceeds the context length"})", "input length",
       ErrorCode::kContextLength, false},
      {404, R"({"error":"model 'x' not found"})", "ollama pull", ErrorCode::kNotFound, false},
      {500, R"({"error":"m"})", "m", ErrorCode::kUnavailable, true},
      {503, R"({"error":"server busy"})", "busy", ErrorCode::kUnavailable, true},
      {404, "404 page not found", "status 404 without", ErrorCode::kNotFound, false},
      {502, "", "status 502 without", ErrorCode::kUnavailable, true},
  };
  for (const auto& each : cases) {
    const FailedEvent failed = read_error({.status = each.status}, each.body);
    EXPECT_THAT(failed.error.message, HasSubstr(each.message));
    EXPECT_EQ(failed.error.code, each.code) << each.body;
    EXPECT_EQ(failed.retryable, each.retryable) << each.body;
  }
}

TEST(OllamaClient, ReadsListsOfModels) {
  const auto models =
      read_models(R"({"models":[{"name":"a:latest","model":"b"},{"model":"hf.co/b/c:Q4"},{},5]})");
  ASSERT_TRUE(models.ok());
  EXPECT_THAT(*models, ::testing::ElementsAre("a:latest", "hf.co/b/c:Q4"));
  for (const char* bad : {"", "[]", "{}", R"({"models":{}})"}) EXPECT_FALSE(read_models(bad).ok());
}

}  // namespace
}  // namespace overtake::ollama
