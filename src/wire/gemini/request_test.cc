#include "wire/gemini/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/gemini/dialect.h"
#include "wire/gemini/schema.h"

namespace overtake::gemini {
namespace {

using ::testing::ElementsAre;

// The parameter that a request is refused for; "" where it is accepted.
std::string refused(const std::string& text, wire::Call* out = nullptr) {
  const auto json = parse_json(text, "test");
  if (!json.ok()) return "not JSON: " + json.error().message;
  wire::Call call;
  const auto error = event_dialect.parse(*json, &call);
  if (out) *out = call;
  if (!error) return "";
  EXPECT_EQ(error->status, 400) << text;
  return error->param.value_or("no param");
}

std::string with(const std::string& fields) {
  return R"({"contents":[{"parts":[{"text":"hi"}]}],)" + fields + "}";
}
std::string with_part(const std::string& part) {
  return R"({"contents":[{"role":"model","parts":[)" + part + "]}]}";
}

TEST(GeminiRequest, NamesTheFieldThatIsWrong) {
  const struct {
    const char* config;
    const char* param;
  } cases[] = {
      {R"("temperature":2.1)", "temperature"},
      {R"("topP":"1")", "topP"},
      {R"("top_p":-1)", "top_p"},
      {R"("topK":1.5)", "topK"},
      {R"("candidateCount":0)", "candidateCount"},
      {R"("maxOutputTokens":0)", "maxOutputTokens"},
      {R"("max_output_tokens":0)", "max_output_tokens"},
      {R"("stopSequences":"a")", "stopSequences"},
      {R"("stopSequences":[""])", "stopSequences"},
      {R"("responseMimeType":"text/x.enum")", "responseMimeType"},
      {R"("responseSchema":{"type":"OBJECT"})", "responseMimeType"},
      {R"("responseMimeType":"application/json","responseSchema":1)", "responseSchema"},
      {R"("logprobs":2)", "logprobs"},
      {R"("responseLogprobs":true,"logprobs":21)", "logprobs"},
      {R"("presencePenalty":3)", "presencePenalty"},
      {R"("frequencyPenalty":-3)", "frequencyPenalty"},
      {R"("seed":1.5)", "seed"},
      {R"("thinkingConfig":{"thinkingBudget":-2})", "thinkingConfig.thinkingBudget"},
      {R"("thinkingConfig":{"thinkingLevel":"MUCH"})", "thinkingConfig.thinkingLevel"},
      {R"("responseModalities":["IMAGE"])", "responseModalities"},
      {R"("speechConfig":{})", "speechConfig"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(refused(with(std::string(R"("generationConfig":{)") + one.config + "}")),
              std::string("generationConfig.") + one.param)
        << one.config;
  }
  EXPECT_EQ(refused(with(R"("generation_config":{"topK":-1})")), "generation_config.topK");
  EXPECT_EQ(refused(with(R"("cachedContent":"c")")), "cachedContent");
}

TEST(GeminiRequest, NamesThePartThatIsWrong) {
  const struct {
    const char* part;
    const char* param;
  } cases[] = {
      {"1", "contents[0].parts[0]"},
      {"{}", "contents[0].parts[0].text"},
      {R"({"ofTomorrow":{}})", "contents[0].parts[0].text"},
      {R"({"text":1})", "contents[0].parts[0].text"},
      {R"({"inlineData":{"data":"aGk="}})", "contents[0].parts[0].inlineData.mimeType"},
      {R"({"inlineData":{"mimeType":"image/png","data":"*"}})",
       "contents[0].parts[0].inlineData.data"},
      {R"({"fileData":{"mimeType":"image/png"}})", "contents[0].parts[0].fileData.fileUri"},
      {R"({"functionCall":{}})", "contents[0].parts[0].functionCall.name"},
      {R"({"functionCall":{"name":"f","args":"x"}})", "contents[0].parts[0].functionCall.args"},
      {R"({"functionResponse":{}})", "contents[0].parts[0].functionResponse.name"},
      {R"({"function_response":{"name":"f","parts":[{}]}})",
       "contents[0].parts[0].function_response.parts"},
  };
  for (const auto& one : cases) EXPECT_EQ(refused(with_part(one.part)), one.param) << one.part;
  EXPECT_EQ(refused("{}"), "contents");
  EXPECT_EQ(refused(R"({"contents":[1]})"), "contents[0]");
  EXPECT_EQ(refused(R"({"contents":[{"parts":[]}]})"), "contents[0].parts");
  EXPECT_EQ(refused(R"({"contents":[{"role":"x","parts":[{"text":""}]}]})"), "contents[0].role");
  EXPECT_EQ(refused(R"({"contents":[{"parts":[{"functionCall":{"name":"f"}}]}]})"),
            "contents[0].parts[0].functionCall");
  EXPECT_EQ(refused(with(R"("systemInstruction":{"parts":[{"inlineData":{}}]})")),
            "systemInstruction.parts[0].text");
}

TEST(GeminiRequest, WhatGooglesOwnToolsDidIsTheModelsAndStaysWhole) {
  wire::Call call;
  const Json body = Json::parse(R"({"contents":[{"parts":[{"text":"q"}]},{"role":"model","parts":[
      {"executableCode":{"code":"1"},"thoughtSignature":"eA=="},
      {"code_execution_result":{"output":"1"}},{"text":"a"}]}]})");
  ASSERT_FALSE(parse_request(body, &call));
  const auto& chat = std::get<ChatPrompt>(call.prompts.front());
  ASSERT_EQ(chat.messages.back().content.size(), 3u);
  EXPECT_EQ(std::get<VendorPart>(chat.messages.back().content[0]).extra,
            R"({"executableCode":{"code":"1"},"thoughtSignature":"eA=="})");
  wire::Call users;
  EXPECT_TRUE(parse_request(
      Json::parse(R"({"contents":[{"role":"user","parts":[{"executableCode":{}}]}]})"), &users));
}

TEST(GeminiRequest, NamesTheToolThatIsWrong) {
  EXPECT_EQ(refused(with(R"("tools":[1])")), "tools[0]");
  EXPECT_EQ(refused(with(R"("tools":[{"functionDeclarations":[{}]}])")),
            "tools[0].functionDeclarations[0].name");
  EXPECT_EQ(refused(with(R"("tools":[{"functionDeclarations":[{"name":"f","parameters":{},
                                     "parametersJsonSchema":{}}]}])")),
            "tools[0].functionDeclarations[0].parameters");
  EXPECT_EQ(refused(with(R"("toolConfig":{"functionCallingConfig":{"mode":"X"}})")),
            "toolConfig.functionCallingConfig.mode");
  EXPECT_EQ(refused(with(R"("toolConfig":{"functionCallingConfig":{"mode":"VALIDATED"}})")),
            "toolConfig.functionCallingConfig.mode");
  EXPECT_EQ(refused(with(R"("toolConfig":{"functionCallingConfig":{"mode":"ANY",
                                     "allowedFunctionNames":["f","g"]}})")),
            "toolConfig.functionCallingConfig.allowedFunctionNames");
}

TEST(GeminiRequest, LosesNothing) {
  wire::Call call;
  ASSERT_EQ(refused(R"({"model":"models/m","safetySettings":[{"category":"c"}],"labels":{"a":"b"},
    "systemInstruction":{"parts":[{"text":"s"}]},
    "contents":[
      {"role":"user","parts":[{"text":"u"},
        {"inlineData":{"mimeType":"image/png","data":"-_8="},"videoMetadata":{"fps":1}},
        {"inlineData":{"mimeType":"audio/wav","data":"aGk="}},
        {"fileData":{"mimeType":"application/pdf","fileUri":"https://x/y","displayName":"n"}}]},
      {"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"c2ln"},{"text":"a"},
        {"functionCall":{"id":"c1","name":"f","args":{"x":1}},"thoughtSignature":"dG9v"},
        {"text":"b","thoughtSignature":"eg=="}]},
      {"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"error":"e"}}},
        {"text":"go on"}]}],
    "tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT"},
      "response":{}}]},{"googleSearch":{}}],
    "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]},
      "retrievalConfig":{"languageCode":"de"}},
    "generationConfig":{"temperature":0.5,"topP":0.9,"topK":40.0,"candidateCount":2,
      "maxOutputTokens":9,"stopSequences":["a","b"],"responseMimeType":"application/json",
      "responseSchema":{"type":"STRING","nullable":true},"responseLogprobs":true,"logprobs":3,
      "presencePenalty":0.5,"frequencyPenalty":0.25,"seed":-3,"responseModalities":["TEXT"],
      "thinkingConfig":{"includeThoughts":true,"thinkingBudget":64},"mediaResolution":"LOW"}})",
                    &call),
            "");
  const GenerateRequest& request = call.request;
  EXPECT_EQ(request.dialect, "gemini");
  EXPECT_EQ(call.n, 2);
  EXPECT_EQ(request.sampling.temperature, 0.5);
  EXPECT_EQ(request.sampling.top_p, 0.9);
  EXPECT_EQ(request.sampling.top_k, 40);
  EXPECT_EQ(request.max_tokens, 9);
  EXPECT_THAT(request.stop, ElementsAre("a", "b"));
  EXPECT_EQ(request.format.kind, OutputFormat::Kind::kJsonSchema);
  EXPECT_EQ(request.format.schema, R"({"type":["string","null"]})");
  EXPECT_EQ(request.top_logprobs, 3);
  EXPECT_EQ(request.sampling.presence_penalty, 0.5);
  EXPECT_EQ(request.sampling.frequency_penalty, 0.25);
  EXPECT_EQ(request.sampling.seed, static_cast<uint64_t>(-3));
  EXPECT_EQ(request.reasoning.shown, true);
  EXPECT_EQ(request.reasoning.enabled, true);
  EXPECT_EQ(request.reasoning.budget_tokens, 64);
  EXPECT_EQ(request.extra, R"({"safetySettings":[{"category":"c"}],"labels":{"a":"b"},)"
                           R"("generationConfig":{"mediaResolution":"LOW"},)"
                           R"("toolConfig":{"retrievalConfig":{"languageCode":"de"}}})");
  const auto& chat = std::get<ChatPrompt>(call.prompts.at(0));
  EXPECT_EQ(chat.tools.at(0).parameters, R"({"type":"object"})");
  EXPECT_EQ(chat.tools.at(0).extra, R"({"response":{}})");
  EXPECT_EQ(chat.tools.at(1).name, "");
  EXPECT_EQ(chat.tools.at(1).extra, R"({"googleSearch":{}})");
  EXPECT_EQ(chat.tool_choice.kind, ToolChoice::Kind::kNamed);
  EXPECT_EQ(chat.tool_choice.name, "f");
  ASSERT_EQ(chat.messages.size(), 5u);
  EXPECT_EQ(chat.messages[0].role, Role::kSystem);
  const auto& user = chat.messages[1].content;
  EXPECT_EQ(std::get<ImagePart>(user.at(1)).bytes, "\xfb\xff");
  EXPECT_EQ(std::get<ImagePart>(user.at(1)).extra, R"({"videoMetadata":{"fps":1}})");
  EXPECT_EQ(std::get<AudioPart>(user.at(2)).format, "wav");
  EXPECT_EQ(std::get<FilePart>(user.at(3)).url, "https://x/y");
  EXPECT_EQ(std::get<FilePart>(user.at(3)).name, "n");
  EXPECT_EQ(call.member_of(1, 2), "contents.0.parts.2");
  const Message& model = chat.messages[2];
  EXPECT_EQ(std::get<ReasoningPart>(model.content.at(0)).signature, "c2ln");
  EXPECT_EQ(model.tool_calls().at(0)->arguments, R"({"x":1})");
  EXPECT_EQ(model.tool_calls().at(0)->signature, "dG9v");
  EXPECT_EQ(std::get<TextPart>(model.content.at(3)).signature, "eg==");
  EXPECT_EQ(chat.messages[3].role, Role::kTool);
  EXPECT_EQ(chat.messages[3].name, "f");
  EXPECT_EQ(chat.messages[3].tool_call_id, "c1");
  EXPECT_EQ(chat.messages[3].text(), R"({"error":"e"})");
  EXPECT_TRUE(chat.messages[3].tool_failed);
  EXPECT_EQ(chat.messages[4].role, Role::kUser);
  EXPECT_EQ(call.member_of(4, 0), "contents.2.parts.1");
}

TEST(GeminiRequest, ReadsBothSpellings) {
  wire::Call call;
  ASSERT_EQ(refused(R"({"system_instruction":{"parts":[{"text":"s"}]},
    "contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"aGk="}}]}],
    "generation_config":{"max_output_tokens":5,"thinking_config":{"thinking_level":"LOW"}},
    "tools":[{"function_declarations":[{"name":"f","parameters_json_schema":{"type":"object"}}]}],
    "tool_config":{"function_calling_config":{"mode":"NONE"}}})",
                    &call),
            "");
  const auto& chat = std::get<ChatPrompt>(call.prompts.at(0));
  EXPECT_EQ(chat.messages.size(), 2u);
  EXPECT_EQ(call.request.max_tokens, 5);
  EXPECT_EQ(call.request.reasoning.effort, "low");
  EXPECT_EQ(chat.tools.at(0).parameters, R"({"type":"object"})");
  EXPECT_EQ(chat.tool_choice.kind, ToolChoice::Kind::kNone);
  EXPECT_EQ(call.request.extra, "");
}

TEST(GeminiRequest, CountsContentsOrAWholeRequest) {
  for (const char* body :
       {R"({"contents":[{"parts":[{"text":"hi"}]}]})",
        R"({"generateContentRequest":{"contents":[{"parts":[{"text":"hi"}]}]}})"}) {
    wire::Call call;
    EXPECT_FALSE(parse_count_request(Json::parse(body), &call)) << body;
    EXPECT_EQ(std::get<ChatPrompt>(call.prompts.at(0)).messages.at(0).text(), "hi");
  }
}

TEST(GeminiRoute, SplitsAtTheLastColon) {
  EXPECT_EQ(parse_route("m:generateContent").model, "m");
  EXPECT_EQ(parse_route("a/b:c:countTokens").model, "a/b:c");
  EXPECT_EQ(parse_route("a/b:c:countTokens").method, "countTokens");
  EXPECT_EQ(parse_route("m").method, "");
}

TEST(GeminiSchema, BecomesJsonSchema) {
  const Json schema = Json::parse(R"({"type":"OBJECT","required":["a"],"properties":{
    "type":{"type":"ARRAY","items":{"type":"INTEGER","format":"int32"},"minItems":"1"},
    "a":{"anyOf":[{"type":"STRING"},{"type":"NULL"}]}}})");
  EXPECT_EQ(to_json_schema(schema).dump(),
            R"({"type":"object","required":["a"],"properties":{)"
            R"("type":{"type":"array","items":{"type":"integer","format":"int32"},"minItems":1},)"
            R"("a":{"anyOf":[{"type":"string"},{"type":"null"}]}}})");
}

}  // namespace
}  // namespace overtake::gemini
