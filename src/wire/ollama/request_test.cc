#include "wire/ollama/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/ollama/dialect.h"

namespace overtake::ollama {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The parameter that a request is refused for; "" where it is accepted.
std::string refused(bool chat, const std::string& text, wire::Call* out = nullptr) {
  const auto json = parse_json(text, "test");
  if (!json.ok()) return "not JSON: " + json.error().message;
  wire::Call call;
  const auto error = (chat ? chat_dialect : generate_dialect).parse(*json, &call);
  if (out) *out = call;
  if (!error) return "";
  EXPECT_EQ(error->status, 400) << text;
  return error->param.value_or("no param");
}

std::string chat_with(const std::string& fields) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}],)" + fields + "}";
}
std::string message(const std::string& fields) { return R"({"messages":[{)" + fields + "}]}"; }

TEST(OllamaChatRequest, NamesTheFieldThatIsWrong) {
  const struct {
    const char* fields;
    const char* param;
  } cases[] = {
      {R"("stream":1)", "stream"},
      {R"("options":[])", "options"},
      {R"("options":{"temperature":-1})", "options.temperature"},
      {R"("options":{"temperature":"1"})", "options.temperature"},
      {R"("options":{"top_k":-2})", "options.top_k"},
      {R"("options":{"top_k":1.5})", "options.top_k"},
      {R"("options":{"top_p":1.1})", "options.top_p"},
      {R"("options":{"min_p":1})", "options.min_p"},
      {R"("options":{"seed":"x"})", "options.seed"},
      {R"("options":{"stop":3})", "options.stop"},
      {R"("options":{"stop":[""]})", "options.stop"},
      {R"("options":{"num_predict":-3})", "options.num_predict"},
      {R"("options":{"num_predict":2147483648})", "options.num_predict"},
      {R"("options":{"num_ctx":0})", "options.num_ctx"},
      {R"("options":{"repeat_penalty":0})", "options.repeat_penalty"},
      {R"("options":{"presence_penalty":3})", "options.presence_penalty"},
      {R"("options":{"frequency_penalty":-3})", "options.frequency_penalty"},
      {R"("options":{"mirostat":1})", "options.mirostat"},
      {R"("options":{"tfs_z":0.5})", "options.tfs_z"},
      {R"("options":{"typical_p":0.5})", "options.typical_p"},
      {R"("options":{"repeat_last_n":64})", "options.repeat_last_n"},
      {R"("options":{"penalize_newline":false})", "options.penalize_newline"},
      {R"("format":"xml")", "format"},
      {R"("format":1)", "format"},
      {R"("think":"much")", "think"},
      {R"("logprobs":1)", "logprobs"},
      {R"("top_logprobs":2)", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{}])", "tools[0]"},
      {R"("tools":[{"function":{}}])", "tools[0].function.name"},
      {R"("tools":[{"function":{"name":"f","parameters":1}}])", "tools[0].function.parameters"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(refused(true, chat_with(one.fields)), one.param) << one.fields;
  }
}

TEST(OllamaChatRequest, NamesTheMessageThatIsWrong) {
  const struct {
    const char* fields;
    const char* param;
  } cases[] = {
      {R"("role":"developer","content":"x")", "messages[0].role"},
      {R"("content":"x")", "messages[0].role"},
      {R"("role":"user")", "messages[0].content"},
      {R"("role":"user","content":["x"])", "messages[0].content"},
      {R"("role":"user","content":"x","images":"x")", "messages[0].images"},
      {R"("role":"user","content":"x","images":["*"])", "messages[0].images[0]"},
      {R"("role":"user","content":"x","images":[1])", "messages[0].images[0]"},
      {R"("role":"user","content":"x","tool_calls":[{}])", "messages[0].tool_calls"},
      {R"("role":"assistant","tool_calls":[1])", "messages[0].tool_calls[0]"},
      {R"("role":"assistant","tool_calls":[{}])", "messages[0].tool_calls[0].function"},
      {R"("role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}])",
       "messages[0].tool_calls[0].function.arguments"},
      {R"("role":"assistant","tool_calls":[{"function":{}}])",
       "messages[0].tool_calls[0].function.name"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(refused(true, message(one.fields)), one.param) << one.fields;
  }
  EXPECT_EQ(refused(true, R"({"messages":[]})"), "messages");
  EXPECT_EQ(refused(true, R"({"messages":[1]})"), "messages[0]");
  EXPECT_EQ(refused(true, "{}"), "messages");
}

TEST(OllamaChatRequest, TellsImagesByTheirFirstBytes) {
  const std::pair<const char*, const char*> images[] = {{"iVBORw0KGgo=", "image/png"},
                                                        {"/9j/4AAQ", "image/jpeg"},
                                                        {"R0lGODlh", "image/gif"},
                                                        {"UklGRgAAAABXRUJQ", "image/webp"},
                                                        {"aGk=", ""}};
  for (const auto& [base64, type] : images) {
    wire::Call call;
    const std::string body =
        std::string(R"({"messages":[{"role":"user","content":"x","images":[")") + base64 +
        R"("]}]})";
    ASSERT_EQ(refused(true, body, &call), "");
    const auto& message = std::get<ChatPrompt>(call.prompts[0]).messages[0];
    EXPECT_EQ(std::get<ImagePart>(message.content[1]).media_type, type);
  }
}

TEST(OllamaChatRequest, LosesNothing) {
  wire::Call call;
  ASSERT_EQ(refused(true, R"({"model":"m:latest","stream":false,"keep_alive":"5m","think":"high",
    "format":{"type":"object"},"logprobs":true,"top_logprobs":3,"truncate":true,
    "options":{"temperature":0.5,"top_k":7,"top_p":0.9,"min_p":0.1,"seed":-3,"stop":["a","b"],
      "num_predict":9,"num_ctx":4096,"repeat_penalty":1.1,"presence_penalty":0.5,
      "frequency_penalty":0.25,"num_thread":2,"mirostat":0},
    "tools":[{"type":"function","function":{"name":"f","description":"d",
      "parameters":{"type":"object"}}}],
    "messages":[{"role":"system","content":"s"},
      {"role":"user","content":"u","images":["aGk="],"mood":"good"},
      {"role":"assistant","content":"","thinking":"t",
       "tool_calls":[{"id":"c1","function":{"index":0,"name":"f","arguments":{"x":1}}}]},
      {"role":"tool","tool_name":"f","tool_call_id":"c1","content":"r"}]})",
                    &call),
            "");
  const GenerateRequest& request = call.request;
  EXPECT_EQ(call.model, "m");
  EXPECT_FALSE(call.stream);
  EXPECT_EQ(request.dialect, "ollama");
  EXPECT_EQ(request.sampling.temperature, 0.5);
  EXPECT_EQ(request.sampling.top_k, 7);
  EXPECT_EQ(request.sampling.top_p, 0.9);
  EXPECT_EQ(request.sampling.min_p, 0.1);
  EXPECT_EQ(request.sampling.seed, static_cast<uint64_t>(-3));
  EXPECT_EQ(request.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(request.sampling.presence_penalty, 0.5);
  EXPECT_EQ(request.sampling.frequency_penalty, 0.25);
  EXPECT_THAT(request.stop, ElementsAre("a", "b"));
  EXPECT_EQ(request.max_tokens, 9);
  EXPECT_EQ(request.top_logprobs, 3);
  EXPECT_EQ(request.reasoning.enabled, true);
  EXPECT_EQ(request.reasoning.effort, "high");
  EXPECT_EQ(request.format.kind, OutputFormat::Kind::kJsonSchema);
  EXPECT_EQ(request.format.schema, R"({"type":"object"})");
  EXPECT_EQ(request.extra, R"({"keep_alive":"5m","truncate":true,)"
                           R"("options":{"num_ctx":4096,"num_thread":2,"mirostat":0}})");
  const auto& chat = std::get<ChatPrompt>(call.prompts.at(0));
  ASSERT_EQ(chat.tools.size(), 1u);
  EXPECT_EQ(chat.tools[0].name, "f");
  EXPECT_EQ(chat.tools[0].description, "d");
  EXPECT_EQ(chat.tools[0].parameters, R"({"type":"object"})");
  ASSERT_EQ(chat.messages.size(), 4u);
  EXPECT_EQ(chat.messages[0].role, Role::kSystem);
  EXPECT_EQ(std::get<ImagePart>(chat.messages[1].content.at(1)).bytes, "hi");
  EXPECT_EQ(chat.messages[1].extra, R"({"mood":"good"})");
  EXPECT_EQ(std::get<ReasoningPart>(chat.messages[2].content.at(0)).text, "t");
  EXPECT_EQ(chat.messages[2].tool_calls().at(0)->id, "c1");
  EXPECT_EQ(chat.messages[2].tool_calls().at(0)->arguments, R"({"x":1})");
  EXPECT_EQ(chat.messages[3].role, Role::kTool);
  EXPECT_EQ(chat.messages[3].name, "f");
  EXPECT_EQ(chat.messages[3].tool_call_id, "c1");
}

TEST(OllamaChatRequest, StreamsAndRunsOnUnlessTold) {
  wire::Call call;
  ASSERT_EQ(
      refused(true, chat_with(R"("options":{"num_predict":-1,"seed":-1},"format":"")"), &call), "");
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.request.max_tokens, std::nullopt);
  EXPECT_EQ(call.request.sampling.seed, std::nullopt);
  EXPECT_EQ(call.request.format.kind, OutputFormat::Kind::kText);
}

TEST(OllamaGenerateRequest, ReadsPromptSystemAndImages) {
  wire::Call call;
  ASSERT_EQ(refused(false,
                    R"({"prompt":"p","system":"s","images":["aGk="],"format":"json","suffix":"",
                        "template":"","context":[]})",
                    &call),
            "");
  const auto& chat = std::get<ChatPrompt>(call.prompts.at(0));
  ASSERT_EQ(chat.messages.size(), 2u);
  EXPECT_EQ(chat.messages[0].text(), "s");
  EXPECT_EQ(chat.messages[1].text(), "p");
  EXPECT_EQ(std::get<ImagePart>(chat.messages[1].content.at(1)).bytes, "hi");
  EXPECT_EQ(call.request.format.kind, OutputFormat::Kind::kJson);
  EXPECT_EQ(call.request.extra, "");
}

TEST(OllamaGenerateRequest, SendsARawPromptAsItIs) {
  wire::Call call;
  ASSERT_EQ(refused(false, R"({"prompt":"p","raw":true})", &call), "");
  EXPECT_EQ(std::get<TextPrompt>(call.prompts.at(0)).text, "p");
  EXPECT_EQ(refused(false, R"({"prompt":"p","raw":true,"system":"s"})"), "system");
  EXPECT_EQ(refused(false, R"({"prompt":"p","raw":true,"images":["aGk="]})"), "images");
}

TEST(OllamaGenerateRequest, RefusesByNameWhatItCannotDo) {
  EXPECT_EQ(refused(false, R"({"prompt":"p","suffix":"s"})"), "suffix");
  EXPECT_EQ(refused(false, R"({"prompt":"p","template":"t"})"), "template");
  EXPECT_EQ(refused(false, R"({"prompt":"p","context":[1]})"), "context");
  EXPECT_EQ(refused(false, R"({"prompt":["p"]})"), "prompt");
}

TEST(OllamaNames, LatestIsTheModelItself) {
  EXPECT_EQ(model_name("smollm2:latest"), "smollm2");
  EXPECT_EQ(model_name("smollm2"), "smollm2");
  EXPECT_EQ(model_name("smollm2:135m"), "smollm2:135m");
}

TEST(OllamaRequest, KnowsWhatOnlyLoads) {
  const auto loads = [](const char* text) { return only_loads(Json::parse(text)); };
  EXPECT_TRUE(loads(R"({"model":"m"})"));
  EXPECT_TRUE(loads(R"({"model":"m","messages":[],"keep_alive":-1})"));
  EXPECT_TRUE(loads(R"({"model":"m","prompt":""})"));
  EXPECT_FALSE(loads(R"({"model":"m","prompt":"p"})"));
  EXPECT_FALSE(loads(R"({"model":"m","messages":[{}]})"));
  EXPECT_FALSE(loads(R"({"model":"m","prompt":"","images":["aGk="]})"));
}

TEST(OllamaDialect, NamesTheFieldOfAFeature) {
  EXPECT_EQ(chat_dialect.field_of({Feature::kImages, 2, 1}), "messages[2].images");
  EXPECT_EQ(generate_dialect.field_of({Feature::kImages, 0, 1}), "images");
  EXPECT_EQ(chat_dialect.field_of({Feature::kTools}), "tools");
  EXPECT_EQ(chat_dialect.field_of({Feature::kJsonSchema}), "format");
  EXPECT_EQ(chat_dialect.field_of({Feature::kSeed}), "options.seed");
}

}  // namespace
}  // namespace overtake::ollama
