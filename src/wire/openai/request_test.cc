#include "wire/openai/request.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/openai/dialect.h"

namespace overtake::openai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The parameter that a request is refused for; "" where it is accepted.
std::string refused(bool chat, const std::string& body, wire::Call* out = nullptr) {
  const auto json = parse_json(body, "test");
  if (!json.ok()) return "not JSON: " + json.error().message;
  wire::Call call;
  const auto error = chat ? parse_chat_request(json.value(), &call)
                          : parse_completion_request(json.value(), &call);
  if (out) *out = call;
  if (!error) return "";
  EXPECT_EQ(error->status, 400) << body;
  EXPECT_EQ(error->kind, ErrorCode::kInvalidArgument) << body;
  return error->param.value_or("no param");
}

std::string chat_with(const std::string& fields) {
  if (fields.starts_with("\"messages\"")) return "{" + fields + "}";
  return R"({"messages":[{"role":"user","content":"hi"}])" + (fields.empty() ? "" : "," + fields) +
         "}";
}
std::string text_with(const std::string& fields) {
  return R"({"prompt":"hi")" + (fields.empty() ? "" : "," + fields) + "}";
}

struct Range {
  const char* name;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

// What no number field takes.
const std::vector<std::string> kNeverNumbers = {"\"1\"", "true", "[1]", "{}", "\"NaN\""};
const std::vector<std::string> kNeverIntegers = {"1.5", "1e0", "18446744073709551615",
                                                 "9223372036854775808", "-9223372036854775809"};

const std::vector<Range> kShared = {
    {"temperature", {"0", "0.7", "2", "null"}, {"-0.001", "2.001", "1e300", "-1"}},
    {"top_p", {"0", "1", "0.5"}, {"-0.1", "1.1"}},
    {"min_p", {"0", "0.99"}, {"1", "-0.1"}},
    {"repetition_penalty", {"0.5", "1.3"}, {"0", "-1", "1e9"}},
    {"presence_penalty", {"-2", "2"}, {"-2.1", "2.1"}},
    {"frequency_penalty", {"-2", "2"}, {"-2.1", "2.1"}},
};
const std::vector<Range> kSharedIntegers = {
    {"n", {"1", "128"}, {"0", "-1", "129", "2147483648"}},
    {"top_k", {"-1", "0", "1", "2147483647"}, {"-2", "2147483648"}},
    {"seed", {"0", "-1", "9223372036854775807", "-9223372036854775808"}, {}},
};

void check_ranges(const std::vector<Range>& ranges, bool chat, bool integers) {
  for (const Range& range : ranges) {
    const auto with = [&](const std::string& value) {
      const std::string field = fmt::format("\"{}\":{}", range.name, value);
      return chat ? chat_with(field) : text_with(field);
    };
    for (const auto& value : range.good) EXPECT_EQ(refused(chat, with(value)), "") << with(value);
    std::vector<std::string> bad = range.bad;
    bad.insert(bad.end(), kNeverNumbers.begin(), kNeverNumbers.end());
    if (integers) bad.insert(bad.end(), kNeverIntegers.begin(), kNeverIntegers.end());
    for (const auto& value : bad) EXPECT_EQ(refused(chat, with(value)), range.name) << with(value);
  }
}

TEST(OpenAiChatRequest, EndsThePromptWhereItIsTold) {
  const auto prompt = [](const std::string& fields) {
    wire::Call call;
    EXPECT_EQ(refused(true, chat_with(fields), &call), "");
    return std::get<ChatPrompt>(call.prompts.at(0));
  };
  EXPECT_TRUE(prompt("").add_generation_prompt);
  EXPECT_FALSE(prompt(R"("add_generation_prompt":false)").add_generation_prompt);
  const ChatPrompt open = prompt(R"("continue_final_message":true)");
  EXPECT_TRUE(open.continue_final_message);
  EXPECT_FALSE(open.add_generation_prompt);
  EXPECT_EQ(
      refused(true, chat_with(R"("continue_final_message":true,"add_generation_prompt":true)")),
      "continue_final_message");
}

TEST(OpenAiRequest, NumbersAreTakenToTheirBoundsAndNoFurther) {
  for (const bool chat : {true, false}) {
    check_ranges(kShared, chat, false);
    check_ranges(kSharedIntegers, chat, true);
  }
  check_ranges({{"max_tokens", {"1", "9223372036854775807"}, {"0", "-1"}},
                {"max_completion_tokens", {"1", "9223372036854775807"}, {"0", "-1"}},
                {"top_logprobs", {"0"}, {"1", "-1", "21", "2147483648"}}},
               true, true);
  check_ranges({{"max_tokens", {"0", "1", "9223372036854775807"}, {"-1"}},
                {"logprobs", {"0", "5", "20"}, {"-1", "21"}},
                {"best_of", {"1"}, {"0", "2", "129"}}},
               false, true);
}

TEST(OpenAiRequest, NumbersThatAreNotFiniteAreNotJson) {
  for (const char* value : {"NaN", "Infinity", "-Infinity", "1e999", "+1", "0x1", "01"}) {
    EXPECT_THAT(refused(true, chat_with(fmt::format("\"temperature\":{}", value))),
                HasSubstr("not JSON"));
  }
}

TEST(OpenAiRequest, FieldsOfTheWrongTypeAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("model":1)", "model"},
      {R"("stream":"true")", "stream"},
      {R"("stream":1)", "stream"},
      {R"("stream_options":{"include_usage":true})", "stream_options"},
      {R"("stream":true,"stream_options":[])", "stream_options"},
      {R"("stream":true,"stream_options":{"include_usage":1})", "stream_options.include_usage"},
      {R"("stop":1)", "stop"},
      {R"("stop":[1])", "stop"},
      {R"("stop":"")", "stop"},
      {R"("stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"])",
       "stop"},
      {R"("logit_bias":[])", "logit_bias"},
      {R"("logit_bias":{"a":1})", "logit_bias"},
      {R"("logit_bias":{"-1":1})", "logit_bias"},
      {R"("logit_bias":{"1 ":1})", "logit_bias"},
      {R"("logit_bias":{"2147483648":1})", "logit_bias"},
      {R"("logit_bias":{"1":101})", "logit_bias"},
      {R"("logit_bias":{"1":"x"})", "logit_bias"},
      {R"("metadata":1)", "metadata"},
      {R"("metadata":{"workload":1})", "metadata.workload"},
      {R"("user":1)", "user"},
  };
  for (const auto& [field, param] : cases) {
    EXPECT_EQ(refused(true, chat_with(field)), param) << field;
    EXPECT_EQ(refused(false, text_with(field)), param) << field;
  }
}

TEST(OpenAiRequest, MessagesAreCheckedToTheirParts) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "messages"},
      {R"({"messages":null})", "messages"},
      {R"({"messages":{}})", "messages"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":[1]})", "messages[0]"},
      {R"({"messages":[{"content":"x"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"king","content":"x"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"user"}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":null}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":1}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":[]}]})", "messages[0].content"},
      {R"({"messages":[{"role":"user","content":[1]}]})", "messages[0].content[0]"},
      {R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})", "messages[0].content[0].type"},
      {R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})",
       "messages[0].content[0].text"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
       "messages[0].content[0].image_url"},
      {R"({"messages":[{"role":"user","content":[
         {"type":"image_url","image_url":{"url":"data:image/png,x"}}]}]})",
       "messages[0].content[0].image_url.url"},
      {R"({"messages":[{"role":"user","content":[{"type":"input_audio"}]}]})",
       "messages[0].content[0].input_audio"},
      {R"({"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":
         {"data":"*","format":"wav"}}]}]})",
       "messages[0].content[0].input_audio.data"},
      {R"({"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]})",
       "messages[0].content[0].file.file_id"},
      {R"({"messages":[{"role":"tool","content":"x"}]})", "messages[0].tool_call_id"},
      {R"({"messages":[{"role":"user","content":"x","tool_calls":[]}]})", "messages[0].tool_calls"},
      {R"({"messages":[{"role":"assistant"}]})", "messages[0].content"},
      {R"({"messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]})",
       "messages[0].tool_calls[0].function"},
      {R"({"messages":[{"role":"user","content":"x"},{"role":"user","name":1,"content":"x"}]})",
       "messages[1].name"},
  };
  for (const auto& [body, param] : cases) EXPECT_EQ(refused(true, body), param) << body;
  EXPECT_EQ(refused(true, "[]"), "no param");
}

TEST(OpenAiRequest, WhatNoModelDoesIsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("response_format":{"type":"json_schema","json_schema":{}})",
       "response_format.json_schema.name"},
      {R"("response_format":{"type":"json_schema"})", "response_format.json_schema"},
      {R"("response_format":{})", "response_format.type"},
      {R"("modalities":["text","audio"])", "modalities"},
      {R"("audio":{"voice":"a"})", "audio"},
      {R"("tool_choice":"maybe")", "tool_choice"},
      {R"("tool_choice":{"type":"function","function":{}})", "tool_choice"},
      {R"("tools":[1])", "tools[0]"},
      {R"("tools":[{"function":{}}])", "tools[0].function.name"},
      {R"("functions":[{"name":"f"}])", "functions"},
      {R"("logprobs":1)", "logprobs"},
      {R"("max_tokens":1,"max_completion_tokens":2)", "max_tokens"},
  };
  for (const auto& [field, param] : cases) {
    EXPECT_EQ(refused(true, chat_with(field)), param) << field;
  }
  EXPECT_EQ(refused(false, text_with(R"("suffix":"x")")), "suffix");
}

TEST(OpenAiRequest, WhatALocalModelCannotDoHasTheNameOfItsField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"n"}})", "fits"},
      {R"("guided_regex":"a+")", "fits"},
      {R"("web_search_options":{})", "tools"},
      {R"("tools":[{"type":"function","function":{"name":"f"}}])", "tools"},
      {R"("tools":[{"type":"custom","custom":{"name":"f"}}])", "tools"},
      {R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto")", "tools"},
      {R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none")", "fits"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":{"type":"function","function":{"name":"f"}})", "tool_choice"},
      {R"("messages":[{"role":"user","content":[{"type":"text","text":"a"},
         {"type":"image_url","image_url":{"url":"http://x"}}]}])",
       "messages[0].content[1].type"},
      {R"("messages":[{"role":"user","content":"a"},{"role":"user","content":[
         {"type":"input_audio","input_audio":{"data":"Zm8=","format":"wav"}}]}])",
       "messages[1].content[0].type"},
      {R"("messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}])",
       "messages[0].content[0].type"},
      {R"("reasoning_effort":"high","seed":1,"top_logprobs":2,"logprobs":true,"stop":"x")", "fits"},
  };
  for (const auto& [field, param] : cases) {
    wire::Call call;
    ASSERT_EQ(refused(true, chat_with(field), &call), "") << field;
    const auto unmet = first_unmet(call.choice_request(0), kLocalFeatures);
    EXPECT_EQ(unmet ? chat_dialect.field_of(*unmet) : "fits", param) << field;
  }
}

TEST(OpenAiRequest, ReadsTheFormsThatClientsOfOtherServersAskFor) {
  using Kind = OutputFormat::Kind;
  const struct {
    const char* field;
    Kind kind;
    const char* text;  // schema, grammar or choices
    const char* extra;
  } cases[] = {
      {R"("guided_json":{"type":"null"})", Kind::kJsonSchema, R"({"type":"null"})", ""},
      {R"("guided_json":"{\"type\":\"null\"}")", Kind::kJsonSchema, R"({"type":"null"})", ""},
      {R"("json_schema":{"a":1})", Kind::kJsonSchema, R"({"a":1})", ""},
      {R"("structured_outputs":{"json":{"a":1}})", Kind::kJsonSchema, R"({"a":1})", ""},
      {R"("structured_outputs":{"json_object":true})", Kind::kJson, "", ""},
      {R"("guided_regex":"a+")", Kind::kRegex, "a+", R"({"guided_regex":"a+"})"},
      {R"("structured_outputs":{"regex":"a+"})", Kind::kRegex, "a+",
       R"({"structured_outputs":{"regex":"a+"}})"},
      {R"("grammar":"root ::= x")", Kind::kGrammar, "root ::= x", R"({"grammar":"root ::= x"})"},
      {R"("guided_choice":["a","b"])", Kind::kChoice, "a|b", R"({"guided_choice":["a","b"]})"},
  };
  for (const auto& one : cases) {
    wire::Call call;
    ASSERT_EQ(refused(true, chat_with(one.field), &call), "") << one.field;
    const OutputFormat& format = call.request.format;
    std::string text = format.schema + format.grammar;
    for (const std::string& choice : format.choices) text += (text.empty() ? "" : "|") + choice;
    EXPECT_EQ(format.kind, one.kind) << one.field;
    EXPECT_EQ(text, one.text) << one.field;
    EXPECT_EQ(call.request.extra, one.extra) << one.field;
  }
  const std::pair<const char*, const char*> wrong[] = {
      {R"("guided_regex":1)", "guided_regex"},
      {R"("guided_choice":[])", "guided_choice"},
      {R"("guided_choice":[1])", "guided_choice"},
      {R"("structured_outputs":{"json":1})", "structured_outputs.json"},
      {R"("guided_regex":"a","grammar":"b")", "grammar"},
      {R"("response_format":{"type":"json_object"},"guided_regex":"a")", "guided_regex"},
  };
  for (const auto& [field, param] : wrong)
    EXPECT_EQ(refused(true, chat_with(field)), param) << field;
}

TEST(OpenAiRequest, KeepsWhatOnlyOpenAiKnows) {
  wire::Call call;
  ASSERT_EQ(
      refused(true, chat_with(R"("service_tier":"flex","prediction":{"type":"content"})"), &call),
      "");
  EXPECT_EQ(call.request.dialect, "openai");
  EXPECT_EQ(call.request.extra, R"({"service_tier":"flex","prediction":{"type":"content"}})");
}

TEST(OpenAiRequest, ReadsTheTextThatTheClientExpects) {
  wire::Call call;
  const std::string whole = R"("prediction":{"type":"content","content":"a b"})";
  ASSERT_EQ(refused(true, chat_with(whole), &call), "");
  EXPECT_EQ(call.request.expected_text, "a b");
  EXPECT_EQ(call.request.extra, "{" + whole + "}");  // for an upstream that is OpenAI's
  wire::Call parts;
  ASSERT_EQ(refused(true,
                    chat_with(R"("prediction":{"type":"content","content":[)"
                              R"({"type":"text","text":"a "},{"type":"text","text":"b"}]})"),
                    &parts),
            "");
  EXPECT_EQ(parts.request.expected_text, "a b");
  EXPECT_EQ(refused(true, chat_with(R"("prediction":{"type":"content","content":3})")),
            "prediction.content");
  EXPECT_EQ(refused(true, chat_with(R"("prediction":{"type":"content","content":[3]})")),
            "prediction.content");
}

TEST(OpenAiRequest, ReadsPartsToolsAndFormat) {
  wire::Call call;
  ASSERT_EQ(refused(true, R"({"messages":[
      {"role":"user","content":[
        {"type":"image_url","image_url":{"url":"data:image/png;base64,Zm9v","detail":"low"}},
        {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
        {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,Zm8="}}]},
      {"role":"assistant","content":"x","reasoning_content":"hm","refusal":"no"}],
      "tools":[{"type":"function","function":{"name":"f","strict":true}}],
      "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
      "response_format":{"type":"json_schema","json_schema":
        {"name":"n","strict":true,"schema":{"type":"object"}}},"reasoning_effort":"low"})",
                    &call),
            "");
  const auto& chat = std::get<ChatPrompt>(call.prompts.at(0));
  const auto& parts = chat.messages.at(0).content;
  EXPECT_EQ(std::get<ImagePart>(parts.at(0)).bytes, "foo");
  EXPECT_EQ(std::get<ImagePart>(parts.at(0)).media_type, "image/png");
  EXPECT_EQ(std::get<ImagePart>(parts.at(0)).detail, "low");
  EXPECT_EQ(std::get<ImagePart>(parts.at(1)).url, "https://example.com/a.png");
  EXPECT_EQ(std::get<FilePart>(parts.at(2)).bytes, "fo");
  const auto& answer = chat.messages.at(1).content;
  EXPECT_EQ(std::get<ReasoningPart>(answer.at(0)).text, "hm");
  EXPECT_EQ(std::get<TextPart>(answer.at(1)).text, "x");
  EXPECT_EQ(std::get<RefusalPart>(answer.at(2)).text, "no");
  EXPECT_EQ(chat.tools.at(0).strict, true);
  EXPECT_EQ(chat.tool_choice.kind, ToolChoice::Kind::kNamed);
  EXPECT_EQ(chat.tool_choice.name, "f");
  EXPECT_EQ(chat.tool_choice.parallel, false);
  EXPECT_EQ(call.request.format.kind, OutputFormat::Kind::kJsonSchema);
  EXPECT_EQ(call.request.format.schema, R"({"type":"object"})");
  EXPECT_EQ(call.request.format.strict, true);
  EXPECT_EQ(call.request.reasoning.effort, "low");
}

TEST(OpenAiRequest, HarmlessFieldsAreAccepted) {
  const char* harmless =
      R"("response_format":{"type":"text"},"modalities":["text"],"tools":[],"tool_choice":"none",
         "functions":[],"audio":null,"store":true,"service_tier":"auto","parallel_tool_calls":true,
         "reasoning_effort":"low","unknown":{"a":[1]},"logit_bias":{},"stop":null,"seed":null)";
  EXPECT_EQ(refused(true, chat_with(harmless)), "");
}

TEST(OpenAiRequest, ReadsAChatIntoARequest) {
  wire::Call call;
  ASSERT_EQ(refused(true, R"({"model":"m","messages":[
      {"role":"developer","content":"d"},
      {"role":"system","content":"s"},
      {"role":"user","name":"u","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"r"}],
      "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
      "tool_choice":"none","temperature":0.5,"top_p":0,"seed":-1,"stop":["x","y"],"n":2,
      "logit_bias":{"7":-100},"max_completion_tokens":9,"logprobs":true,"top_logprobs":3,
      "stream":true,"stream_options":{"include_usage":true},"metadata":{"workload":"w"},
      "user":"someone"})",
                    &call),
            "");
  EXPECT_EQ(call.model, "m");
  EXPECT_EQ(call.n, 2);
  EXPECT_TRUE(call.stream);
  EXPECT_TRUE(call.include_usage);
  EXPECT_EQ(call.request.workload, "w");
  EXPECT_EQ(call.request.end_user, "someone");
  EXPECT_EQ(call.request.max_tokens, 9);
  EXPECT_EQ(call.request.top_logprobs, 3);
  EXPECT_THAT(call.request.stop, ElementsAre("x", "y"));
  EXPECT_EQ(call.request.sampling.temperature, 0.5);
  EXPECT_EQ(call.request.sampling.top_p, std::nullopt);  // no mass: the best token alone
  EXPECT_EQ(call.request.sampling.top_k, 1);
  EXPECT_EQ(call.request.sampling.logit_bias.at(7), -100);
  ASSERT_EQ(call.prompts.size(), 1u);
  const auto& chat = std::get<ChatPrompt>(call.prompts[0]);
  ASSERT_EQ(chat.messages.size(), 5u);
  EXPECT_EQ(chat.messages[0].role, Role::kDeveloper);
  EXPECT_EQ(chat.messages[2].text(), "ab");
  EXPECT_EQ(chat.messages[2].name, "u");
  EXPECT_EQ(chat.messages[3].tool_calls().at(0)->name, "f");
  EXPECT_EQ(chat.messages[4].tool_call_id, "c1");
  EXPECT_EQ(chat.tools.at(0).parameters, R"({"type":"object"})");
  EXPECT_EQ(call.choice_request(0).sampling.seed, ~uint64_t{0});
  EXPECT_EQ(call.choice_request(1).sampling.seed, uint64_t{0});  // the choices differ
}

TEST(OpenAiRequest, ReadsPromptsOfAllShapes) {
  wire::Call call;
  ASSERT_EQ(refused(false, R"({"prompt":"a"})", &call), "");
  EXPECT_EQ(std::get<TextPrompt>(call.prompts.at(0)).text, "a");
  EXPECT_EQ(call.request.max_tokens, 16);
  ASSERT_EQ(refused(false, R"({"prompt":["a","b"],"n":3})", &call), "");
  EXPECT_EQ(call.n_choices(), 6);
  EXPECT_EQ(std::get<TextPrompt>(call.choice_request(3).prompt).text, "b");
  ASSERT_EQ(refused(false, R"({"prompt":[1,2147483647]})", &call), "");
  EXPECT_THAT(std::get<TokenPrompt>(call.prompts.at(0)).ids, ElementsAre(1, 2147483647));
  ASSERT_EQ(refused(false, R"({"prompt":[[1],[2,3]],"echo":true})", &call), "");
  EXPECT_EQ(call.prompts.size(), 2u);
  EXPECT_TRUE(call.request.prompt_logprobs);
  for (const char* bad : {"null", "1", "{}", "[]", "[[]]", "[1,-1]", "[1,2147483648]", "[1.5]",
                          "[1,\"a\"]", "[\"a\",1]", "[null]", "[[1],\"a\",[[1]]]", "[true]"}) {
    EXPECT_EQ(refused(false, fmt::format("{{\"prompt\":{}}}", bad)), "prompt") << bad;
  }
  EXPECT_EQ(refused(false, "{}"), "prompt");
}

TEST(OpenAiRequest, FanOutIsBounded) {
  std::string prompts = "\"a\"";
  for (int i = 1; i < 65; ++i) prompts += ",\"a\"";
  EXPECT_EQ(refused(false, "{\"prompt\":[" + prompts + "],\"n\":1}"), "");
  EXPECT_EQ(refused(false, "{\"prompt\":[" + prompts + "],\"n\":2}"), "n");
  EXPECT_EQ(refused(false, "{\"prompt\":[" + prompts + "," + prompts + "]}"), "prompt");
}

}  // namespace
}  // namespace overtake::openai
