// The calling half against the serving half: what one writes, the other reads as it was.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/gemini/client.h"
#include "wire/gemini/request.h"

namespace overtake::gemini {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

wire::Call parsed(const std::string& body) {
  wire::Call call;
  const auto json = parse_json(body, "test");
  EXPECT_TRUE(json.ok()) << body;
  const auto error = json.ok() ? parse_request(json.value(), &call) : std::nullopt;
  EXPECT_FALSE(error) << error->message << "\n" << body;
  call.request.model = "gemini-3.5-flash";
  if (!call.prompts.empty()) call.request.prompt = call.prompts[0];
  return call;
}

// Every member of a request of Gemini's dialect.
const char* const kRequests[] = {
    R"("contents":[{"role":"user","parts":[{"text":"hi"}]}])",
    R"("systemInstruction":{"parts":[{"text":"s"},{"text":"t"}]},
       "contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"}]}])",
    R"("contents":[{"role":"user","parts":[
       {"inlineData":{"mimeType":"image/png","data":"AAEC"},"mediaResolution":{"level":"x"}},
       {"inlineData":{"mimeType":"audio/wav","data":"AAEC"}},
       {"inlineData":{"mimeType":"application/pdf","data":"AAEC","displayName":"n"}},
       {"fileData":{"mimeType":"image/jpeg","fileUri":"https://a.b/c.jpg"}},
       {"fileData":{"fileUri":"https://a.b/c"},"videoMetadata":{"fps":1}}]}])",
    R"("contents":[{"role":"user","parts":[{"text":"x"}]},
       {"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"c2ln"},
         {"text":"a","thoughtSignature":"eg=="},
         {"functionCall":{"id":"c1","name":"f","args":{"x":1}},"thoughtSignature":"dG9v"},
         {"functionCall":{"name":"g","args":{}}},{"text":"","thoughtSignature":"eA=="}]},
       {"role":"user","parts":[
         {"functionResponse":{"id":"c1","name":"f","response":{"y":[1,2]},"scheduling":"SILENT"}},
         {"functionResponse":{"name":"g","response":{"error":"e"}}},{"text":"go on"}]}])",
    R"("contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[
         {"name":"f","description":"d","parametersJsonSchema":{"type":"object","$defs":{"z":{}},
          "properties":{"z":{"$ref":"#/$defs/z"},"a":{}}},"response":{"type":"STRING"}},
         {"name":"g"}]},{"googleSearch":{}},{"codeExecution":{}},
         {"functionDeclarations":[{"name":"h"}]}],
       "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]},
                     "retrievalConfig":{"languageCode":"de"}})",
    R"("contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"g"}]}],
       "toolConfig":{"functionCallingConfig":{"mode":"ANY"}})",
    R"("contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"g"}]}],
       "toolConfig":{"functionCallingConfig":{"mode":"NONE"}})",
    R"("contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"temperature":0.5,"topP":0.9,
       "topK":40,"maxOutputTokens":9,"stopSequences":["a","b"],"seed":-3,"presencePenalty":0.5,
       "frequencyPenalty":-0.25,"responseLogprobs":true,"logprobs":3,"mediaResolution":"LOW",
       "responseMimeType":"application/json","responseJsonSchema":{"b":1,"a":{"type":"string"}},
       "thinkingConfig":{"includeThoughts":true,"thinkingBudget":64}},
       "safetySettings":[{"category":"c","threshold":"t"}],"store":false)",
    R"("contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseLogprobs":true,
       "responseMimeType":"application/json","thinkingConfig":{"thinkingLevel":"LOW"}})",
    R"("contents":[{"parts":[{"text":"x"}]}],
       "generationConfig":{"thinkingConfig":{"thinkingBudget":-1}})",
    R"("contents":[{"parts":[{"text":"x"}]}],
       "generationConfig":{"thinkingConfig":{"thinkingBudget":0}})",
};

// One text for all that a request holds: no member is left to an operator== that forgets it.
std::string dump_part(const ContentPart& part) {
  struct {
    std::string operator()(const TextPart& p) {
      return fmt::format("text {} {} {}", p.text, p.signature, p.extra);
    }
    std::string operator()(const ImagePart& p) {
      return fmt::format("image {} {} {} {}", p.media_type, p.url, p.bytes, p.extra);
    }
    std::string operator()(const AudioPart& p) {
      return fmt::format("audio {} {} {}", p.format, p.bytes, p.extra);
    }
    std::string operator()(const FilePart& p) {
      return fmt::format("file {} {} {} {} {}", p.name, p.media_type, p.url, p.bytes, p.extra);
    }
    std::string operator()(const ReasoningPart& p) {
      return fmt::format("reasoning {} {} {}", p.text, p.signature, p.extra);
    }
    std::string operator()(const RefusalPart& p) { return "refusal " + p.text; }
    std::string operator()(const VendorPart& p) { return "vendor " + p.extra; }
    std::string operator()(const ToolCall& p) {
      return fmt::format("call {} {} {} {} {}", p.id, p.name, p.arguments, p.signature, p.extra);
    }
  } visitor;
  return std::visit(visitor, part);
}

std::string flag(const std::optional<bool>& value) { return value ? (*value ? "T" : "F") : "-"; }

std::string dump_request(const GenerateRequest& r) {
  const SamplingParams& s = r.sampling;
  std::string out = fmt::format(
      "{} t={} k={} p={} pres={} freq={} seed={} max={} logprobs={} format={} {} effort={} "
      "budget={} on={} shown={} extra={}",
      r.dialect, s.temperature.value_or(-1), s.top_k.value_or(-1), s.top_p.value_or(-1),
      s.presence_penalty, s.frequency_penalty, s.seed.value_or(0), r.max_tokens.value_or(-1),
      r.top_logprobs, static_cast<int>(r.format.kind), r.format.schema, r.reasoning.effort,
      r.reasoning.budget_tokens.value_or(-1), flag(r.reasoning.enabled), flag(r.reasoning.shown),
      r.extra);
  for (const std::string& stop : r.stop) out += " stop=" + stop;
  const auto& chat = std::get<ChatPrompt>(r.prompt);
  for (const Message& m : chat.messages) {
    out += fmt::format("\n{} name={} call={} failed={} extra={}", role_name(m.role), m.name,
                       m.tool_call_id, m.tool_failed, m.extra);
    for (const ContentPart& part : m.content) out += "\n  " + dump_part(part);
  }
  for (const ToolSpec& t : chat.tools) {
    out += fmt::format("\ntool {} {} {} {}", t.name, t.description, t.parameters, t.extra);
  }
  return out + fmt::format("\nchoice {} {}", static_cast<int>(chat.tool_choice.kind),
                           chat.tool_choice.name);
}

Json written(const GenerateRequest& request) {
  const auto out = write_request(request, true);
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out.ok() ? Json::parse(out->body) : Json::object();
}

GenerateRequest request_of(std::vector<Message> messages) {
  GenerateRequest request;
  request.dialect = "openai";
  request.model = "gemini-3.5-flash";
  ChatPrompt chat;
  chat.messages = std::move(messages);
  request.prompt = chat;
  return request;
}

TEST(GeminiClient, WhatIsWrittenIsReadAsItWas) {
  for (const std::string members : kRequests) {
    const wire::Call call = parsed("{" + members + "}");
    const Json out = written(call.request);
    EXPECT_EQ(dump_request(parsed(out.dump()).request), dump_request(call.request)) << out;
  }
}

TEST(GeminiClient, AsksForAStreamOfEventsOrForTheWhole) {
  const GenerateRequest request = request_of({{.content = {TextPart{"x"}}}});
  EXPECT_EQ(write_request(request, true)->path,
            "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse");
  EXPECT_EQ(write_request(request, false)->path, "/v1beta/models/gemini-3.5-flash:generateContent");
}

TEST(GeminiClient, AsksForCountsWithInstructionsAndTools) {
  const wire::Call call = parsed(R"({"systemInstruction":{"parts":[{"text":"s"}]},
      "contents":[{"role":"user","parts":[{"text":"x"}]}],
      "tools":[{"functionDeclarations":[{"name":"g"}]}],"generationConfig":{"topK":5}})");
  const auto out = write_count(call.request);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->path, "/v1beta/models/gemini-3.5-flash:countTokens");
  EXPECT_EQ(out->body, R"({"generateContentRequest":{"model":"models/gemini-3.5-flash",)"
                       R"("systemInstruction":{"parts":[{"text":"s"}]},)"
                       R"("contents":[{"role":"user","parts":[{"text":"x"}]}],)"
                       R"("tools":[{"functionDeclarations":[{"name":"g"}]}]}})");
  EXPECT_EQ(read_count(R"({"totalTokens":31,"promptTokensDetails":[]})").value(), 31);
  for (const char* bad : {"", "{}", "[]", "5", R"({"totalTokens":-1})", R"({"totalTokens":"3"})"}) {
    EXPECT_FALSE(read_count(bad).ok()) << bad;
  }
}

TEST(GeminiClient, AModelsNameStaysWithinItsPath) {
  GenerateRequest request = request_of({{.content = {TextPart{"x"}}}});
  const std::pair<const char*, const char*> good[] = {
      {"models/m", "/v1beta/models/m:generateContent"},
      {"tunedModels/m", "/v1beta/tunedModels/m:generateContent"},
      {"a/b:c", "/v1beta/models/a/b:c:generateContent"},
      {"m?key=1#x", "/v1beta/models/m%3Fkey%3D1%23x:generateContent"},
      {"%2e%2e", "/v1beta/models/%252e%252e:generateContent"},
      {"a\\b\r\n", "/v1beta/models/a%5Cb%0D%0A:generateContent"}};
  for (const auto& [model, path] : good) {
    request.model = model;
    EXPECT_EQ(write_request(request, false)->path, path);
  }
  for (const char* bad : {"", ".", "..", "../m", "m/../x", "m//x", "m/", "/m", "models/.."}) {
    request.model = bad;
    EXPECT_EQ(write_request(request, false).error().code, ErrorCode::kNotFound) << bad;
  }
}

TEST(GeminiClient, NeighboursOfOneRoleAreOneContent) {
  Message calls{.role = Role::kAssistant};
  calls.content = {TextPart{"a"}, ToolCall{"c1", "f", R"({"x":1})"}, ToolCall{"c2", "g", ""}};
  Message one{.role = Role::kTool, .content = {TextPart{"sunny"}}, .tool_call_id = "c1"};
  Message two{.role = Role::kTool, .content = {TextPart{R"({"a":1})"}}, .tool_call_id = "c2"};
  two.tool_failed = true;
  const Json body = written(request_of({{.role = Role::kSystem, .content = {TextPart{"s"}}},
                                        {.content = {TextPart{"q"}}},
                                        calls,
                                        one,
                                        two,
                                        {.role = Role::kDeveloper, .content = {TextPart{"d"}}},
                                        {.content = {TextPart{"go on"}}}}));
  EXPECT_EQ(body["systemInstruction"].dump(), R"({"parts":[{"text":"s"},{"text":"d"}]})");
  EXPECT_EQ(body["contents"].dump(),
            R"([{"role":"user","parts":[{"text":"q"}]},)"
            R"({"role":"model","parts":[{"text":"a"},)"
            R"({"functionCall":{"id":"c1","name":"f","args":{"x":1}},)"
            R"("thoughtSignature":"skip_thought_signature_validator"},)"
            R"({"functionCall":{"id":"c2","name":"g","args":{}}}]},)"
            R"({"role":"user","parts":[)"
            R"({"functionResponse":{"id":"c1","name":"f","response":{"output":"sunny"}}},)"
            R"({"functionResponse":{"id":"c2","name":"g","response":{"error":{"a":1}}}},)"
            R"({"text":"go on"}]}])");
}

TEST(GeminiClient, OtherVendorsOwnFieldsStayBehind) {
  GenerateRequest request = parsed(R"({"contents":[{"role":"model","parts":[
      {"text":"why","thought":true,"thoughtSignature":"sig_"},
      {"text":"a","extra_p":1,"thoughtSignature":"sig_"}]}],
      "extra_r":1,"generationConfig":{"extra_c":1}})")
                                .request;
  request.dialect = "anthropic";
  const std::string body = written(request).dump();
  EXPECT_THAT(body, Not(HasSubstr("extra_")));
  EXPECT_THAT(body, Not(HasSubstr("sig_")));
  EXPECT_THAT(body, Not(HasSubstr("why")));

  auto& chat = std::get<ChatPrompt>(request.prompt);
  chat.tools.push_back({.extra = R"({"type":"web_search_20250305"})"});
  EXPECT_EQ(write_request(request, true).error().code, ErrorCode::kUnsupported);
}

TEST(GeminiClient, EffortsBecomeLevelsOrWhatOlderModelsTake) {
  const struct {
    const char* model;
    const char* effort;
    const char* config;
  } cases[] = {{"gemini-3.5-flash", "minimal", R"({"thinkingLevel":"MINIMAL"})"},
               {"gemini-flash-latest", "max", R"({"thinkingLevel":"HIGH"})"},
               {"gemini-2.5-pro", "medium", R"({"thinkingBudget":8192})"},
               {"gemini-2.5-flash", "none", R"({"thinkingBudget":0})"}};
  for (const auto& each : cases) {
    GenerateRequest request = request_of({{.content = {TextPart{"x"}}}});
    request.model = each.model;
    request.reasoning.effort = each.effort;
    EXPECT_EQ(written(request)["generationConfig"]["thinkingConfig"].dump(), each.config);
  }
}

TEST(GeminiClient, WideSeedsAreNarrowedAlwaysAlike) {
  GenerateRequest request = request_of({{.content = {TextPart{"x"}}}});
  for (const uint64_t seed : {uint64_t{1} << 31, ~uint64_t{0} << 40, uint64_t{0x123456789abcdef}}) {
    request.sampling.seed = seed;
    const int64_t first = written(request)["generationConfig"]["seed"];
    EXPECT_TRUE(first >= 0 && first <= 0x7fffffff) << first;
    EXPECT_EQ(written(request)["generationConfig"]["seed"], first);
  }
}

TEST(GeminiClient, RefusesWhatItCanNotSay) {
  const auto refused = [](const GenerateRequest& request) {
    const auto out = write_request(request, true);
    return !out.ok() && out.error().code == ErrorCode::kUnsupported;
  };
  GenerateRequest request = request_of({{.content = {TextPart{"x"}}}});
  request.prompt = TextPrompt{"x"};
  EXPECT_TRUE(refused(request));
  Message call{.role = Role::kAssistant, .content = {ToolCall{"c", "f", "[1]"}}};
  const Message result{.role = Role::kTool, .content = {TextPart{"r"}}, .tool_call_id = "unknown"};
  const Message system{.role = Role::kSystem, .content = {ImagePart{.url = "https://a/b"}}};
  for (const Message& message :
       {call, result, system, Message{.content = {FilePart{.id = "file-1"}}},
        Message{.content = {ImagePart{.bytes = "x"}}}}) {
    EXPECT_TRUE(refused(request_of({message})));
  }
  GenerateRequest begun = request_of({{.role = Role::kAssistant, .content = {TextPart{"x"}}}});
  std::get<ChatPrompt>(begun.prompt).continue_final_message = true;
  EXPECT_TRUE(refused(begun));
  GenerateRequest single = request_of({{.content = {TextPart{"x"}}}});
  auto& chat = std::get<ChatPrompt>(single.prompt);
  chat.tools.push_back({.name = "f"});
  EXPECT_FALSE(refused(single));
  chat.tool_choice.parallel = false;
  EXPECT_TRUE(refused(single));
  single.reasoning.effort = "enormous";
  chat.tool_choice.parallel = true;
  EXPECT_TRUE(refused(single));
}

}  // namespace
}  // namespace overtake::gemini
