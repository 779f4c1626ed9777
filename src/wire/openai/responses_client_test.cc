// The calling half of Responses against the serving half: what one reads, the other writes.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/call_error.h"
#include "wire/openai/client.h"
#include "wire/openai/request.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Parse = std::optional<wire::CallError> (*)(const Json& body, wire::Call* call);

GenerateRequest parsed(const std::string& body, Parse parse = parse_responses_request) {
  wire::Call call;
  const auto json = parse_json(body, "test");
  EXPECT_TRUE(json.ok()) << body;
  const auto error = json.ok() ? parse(json.value(), &call) : std::nullopt;
  EXPECT_FALSE(error) << error->message << "\n" << body;
  call.request.model = call.model;
  if (!call.prompts.empty()) call.request.prompt = call.prompts[0];
  return call.request;
}

nlohmann::json written(const GenerateRequest& request, bool stream = false) {
  const auto out = write_responses_request(request, stream);
  EXPECT_TRUE(out.ok()) << out.error().message;
  EXPECT_TRUE(!out.ok() || out->path == "/responses");
  return nlohmann::json::parse(out.ok() ? out->body : "{}");
}

// In the words that are written, so that they come out as they went in.
const char* const kRequests[] = {
    R"("input":[{"type":"message","role":"user","content":"hi"}])",
    R"("instructions":"s","input":[{"type":"message","role":"developer","content":"d"},
       {"type":"message","role":"user","content":[{"type":"input_text","text":"a"},
         {"type":"input_text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}]}])",
    R"("input":[{"type":"message","role":"user","content":[
       {"type":"input_image","image_url":"https://a.b/c.png","detail":"low"},
       {"type":"input_image","image_url":"data:image/png;base64,AAEC","detail":"auto"},
       {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AAEC"},
       {"type":"input_file","file_url":"https://a.b/c.pdf"},{"type":"input_file","file_id":"f1"}]}])",
    R"("input":[{"type":"message","role":"user","content":"x"},
       {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"one"},
         {"type":"summary_text","text":"two"}],"encrypted_content":"gAAA"},
       {"type":"message","role":"assistant","content":"I look.","phase":"commentary"},
       {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
       {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBB"},
       {"type":"function_call","call_id":"c2","name":"g","arguments":"{}","namespace":"n"},
       {"type":"function_call_output","call_id":"c1","output":"1"},
       {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"2"},
         {"type":"input_image","image_url":"data:image/png;base64,AAEC","detail":"high"}]}])",
    R"("input":[{"type":"message","role":"user","content":"x"},
       {"type":"web_search_call","id":"ws_1","status":"completed",
        "action":{"type":"search","query":"q","sources":[{"type":"url","url":"u"}]}},
       {"type":"message","role":"assistant","content":"a"},
       {"type":"custom_tool_call","id":"ctc_1","call_id":"c1","name":"patch","input":"*** Begin"},
       {"type":"custom_tool_call_output","call_id":"c1","output":"done"},
       {"type":"mcp_approval_response","approval_request_id":"mcpr_1","approve":true},
       {"type":"compaction","id":"cmp_1","encrypted_content":"gCCC"}])",
    R"("input":[{"type":"message","role":"user","content":"x"}],"tools":[
       {"type":"function","name":"f","description":"d","strict":true,"defer_loading":true,
        "parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{}}}},
       {"type":"web_search","filters":{"allowed_domains":["a.b"]}},
       {"type":"mcp","server_label":"l","server_url":"https://a.b/mcp","require_approval":"never"},
       {"type":"code_interpreter","container":{"type":"auto"}}],
       "tool_choice":"required","parallel_tool_calls":false,"max_tool_calls":3)",
    R"("input":[{"type":"message","role":"user","content":"x"}],
       "tools":[{"type":"file_search","vector_store_ids":["v"]}],
       "tool_choice":{"type":"file_search"},"include":["file_search_call.results"])",
    R"("input":[{"type":"message","role":"user","content":"x"}],"tool_choice":{"type":"function",
       "name":"f"},"truncation":"auto")",
    R"("input":[{"type":"message","role":"user","content":"x"}],"text":{"verbosity":"low",
       "format":{"type":"json_schema","name":"n","description":"d","strict":false,
       "schema":{"b":1,"a":2}}},"reasoning":{"effort":"low","summary":"detailed","mode":"pro"})",
    R"("input":[{"type":"message","role":"user","content":"x"}],"temperature":0.5,"top_p":0.9,
       "max_output_tokens":70,"top_logprobs":3,"include":["message.output_text.logprobs"],
       "user":"u","metadata":{"k":"v"},"service_tier":"flex","safety_identifier":"s",
       "prompt_cache_key":"p","prompt_cache_retention":"24h","zz_unknown":{"a":[1]})",
};

TEST(ResponsesClient, WhatIsReadIsWrittenAsItWas) {
  for (const std::string members : kRequests) {
    const std::string body = "{\"model\":\"gpt-4.1\",\"store\":false," + members + "}";
    EXPECT_EQ(written(parsed(body)), nlohmann::json::parse(body));
  }
}

TEST(ResponsesClient, NothingLiesAtOpenAiUnlessTheClientSaysSo) {
  const std::string input = R"("input":"hi"})";
  EXPECT_EQ(written(parsed(R"({"model":"gpt-4.1",)" + input))["store"], false);
  EXPECT_EQ(written(parsed(R"({"model":"gpt-4.1","store":null,)" + input))["store"], false);
  EXPECT_EQ(written(parsed(R"({"model":"gpt-4.1","store":true,)" + input))["store"], true);
  const nlohmann::json encrypted = {"reasoning.encrypted_content"};
  for (const char* model : {"o3-pro", "o4-mini", "gpt-5", "gpt-5.1-codex", "gpt-6-sol",
                            "codex-mini-latest", "computer-use-preview"}) {
    const auto body = written(parsed(fmt::format(R"({{"model":"{}",{})", model, input)));
    EXPECT_EQ(body["include"], encrypted) << model;
  }
  // Models that do not think refuse it.
  for (const char* model :
       {"gpt-4.1", "gpt-4o", "gpt-5-chat-latest", "chatgpt-4o-latest", "other"}) {
    const auto body = written(parsed(fmt::format(R"({{"model":"{}",{})", model, input)));
    EXPECT_FALSE(body.contains("include")) << model;
  }
}

TEST(ResponsesClient, ReasoningGoesBackUnderItsOwnIdAndOnlyEncrypted) {
  const auto body = written(parsed(R"({"model":"gpt-5","input":[
      {"role":"user","content":"x"},
      {"type":"reasoning","id":"rs_0193_o0.rs_68af","encrypted_content":"gAAA","summary":[]},
      {"type":"reasoning","id":"rs_2","summary":[{"type":"summary_text","text":"bare"}]},
      {"role":"assistant","content":"a"}]})"));
  ASSERT_EQ(body["input"].size(), 3u);
  EXPECT_EQ(body["input"][1]["id"], "rs_68af");
  GenerateRequest claude = parsed(R"({"model":"gpt-5","input":[{"role":"user","content":"x"},
      {"type":"reasoning","id":"r","encrypted_content":"redacted","summary":[]}]})");
  claude.dialect = "anthropic";
  EXPECT_THAT(written(claude).dump(), Not(HasSubstr("redacted")));
}

TEST(ResponsesClient, SaysWhatChatCompletionsSay) {
  const auto body = written(parsed(R"({"model":"o3-pro","messages":[
      {"role":"system","content":"s"},{"role":"user","content":"x"},
      {"role":"assistant","content":"I look.","tool_calls":[
        {"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"1"},
      {"role":"assistant","refusal":"no","content":""}],
      "tools":[{"type":"function","function":{"name":"f"}}],
      "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true,
      "response_format":{"type":"json_object"},"reasoning_effort":"high","verbosity":"low",
      "max_completion_tokens":99,"logprobs":true,"top_logprobs":2,"user":"u","service_tier":"flex",
      "safety_identifier":"me","modalities":["text"]})",
                                   parse_chat_request));
  EXPECT_EQ(body, nlohmann::json::parse(R"({"model":"o3-pro","instructions":"s","store":false,
      "input":[{"type":"message","role":"user","content":"x"},
        {"type":"message","role":"assistant","content":"I look."},
        {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"1"},
        {"type":"message","role":"assistant","content":"no"}],
      "tools":[{"type":"function","name":"f","strict":false,
        "parameters":{"type":"object","properties":{}}}],
      "tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":true,
      "text":{"format":{"type":"json_object"},"verbosity":"low"},"reasoning":{"effort":"high"},
      "max_output_tokens":99,"top_logprobs":2,"user":"u","service_tier":"flex",
      "include":["reasoning.encrypted_content","message.output_text.logprobs"],
      "safety_identifier":"me"})"));
}

TEST(ResponsesClient, RefusesWhatItCanNotSay) {
  const auto refused = [](const GenerateRequest& request) {
    const auto out = write_responses_request(request, false);
    return !out.ok() && out.error().code == ErrorCode::kUnsupported;
  };
  GenerateRequest request;
  request.prompt = TextPrompt{"x"};
  EXPECT_TRUE(refused(request));
  const std::string hi = R"({"model":"m","messages":[{"role":"user","content":"x"}],)";
  EXPECT_TRUE(refused(parsed(hi + R"("web_search_options":{}})", parse_chat_request)));
  EXPECT_TRUE(refused(parsed(R"({"model":"m","messages":[{"role":"assistant","content":"a"}],
      "continue_final_message":true})",
                             parse_chat_request)));
  EXPECT_TRUE(refused(parsed(R"({"model":"m","messages":[{"role":"user","content":[
      {"type":"input_audio","input_audio":{"data":"AAEC","format":"wav"}}]}]})",
                             parse_chat_request)));
}

TEST(ResponsesClient, AsksForThePromptsLengthAlone) {
  const auto out = write_count_request(parsed(R"({"model":"gpt-5","instructions":"s","input":"hi",
      "temperature":1,"store":true,"metadata":{"a":"b"},"reasoning":{"effort":"low"}})"));
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->path, "/responses/input_tokens");
  EXPECT_EQ(nlohmann::json::parse(out->body),
            nlohmann::json::parse(R"({"model":"gpt-5","instructions":"s",
      "input":[{"type":"message","role":"user","content":"hi"}],"reasoning":{"effort":"low"}})"));
  EXPECT_EQ(read_count(R"({"object":"response.input_tokens","input_tokens":17})").value(), 17);
  for (const char* body : {"", "{}", "[]", R"({"input_tokens":-1})", R"({"input_tokens":"1"})"}) {
    EXPECT_FALSE(read_count(body).ok()) << body;
  }
}

TEST(ResponsesClient, IsNeededForWhatChatCompletionsCanNotSay) {
  const auto needs = [](const std::string& members) {
    return needs_responses(parsed("{\"model\":\"m\"," + members + "}"));
  };
  EXPECT_FALSE(needs(R"("input":"x")"));
  EXPECT_FALSE(needs(R"("input":[{"role":"user","content":[{"type":"input_text","text":"a"},
      {"type":"input_image","image_url":"https://a/b","detail":"low"}]},
      {"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"bare"}]},
      {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"c","output":"1"}],
      "tools":[{"type":"function","name":"f"}],"tool_choice":"required","temperature":1,
      "reasoning":{"effort":"low","summary":null},"text":{"verbosity":"low"},
      "include":["web_search_call.action.sources"],"store":true,"truncation":"disabled")"));
  EXPECT_TRUE(needs(R"("input":"x","tools":[{"type":"web_search"}])"));
  EXPECT_TRUE(
      needs(R"("input":"x","tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]})"));
  EXPECT_TRUE(needs(R"("input":"x","reasoning":{"summary":"auto"})"));
  EXPECT_TRUE(needs(R"("input":"x","truncation":"auto")"));
  EXPECT_TRUE(needs(R"("input":"x","include":["reasoning.encrypted_content"])"));
  EXPECT_TRUE(needs(R"("input":[{"type":"web_search_call","id":"w","status":"completed"}])"));
  EXPECT_TRUE(
      needs(R"("input":[{"type":"reasoning","id":"r","encrypted_content":"g","summary":[]}])"));
  EXPECT_TRUE(needs(R"("input":[{"role":"user","content":[{"type":"input_file",
      "file_url":"https://a/b"}]}])"));
  EXPECT_TRUE(needs(R"("input":[{"type":"function_call_output","call_id":"c","output":[
      {"type":"input_image","image_url":"https://a/b","detail":"low"}]}])"));
}

TEST(ResponsesClient, OtherModelsRefuseItemsAndChoicesThatAreOpenAisOwn) {
  for (const char* members :
       {R"("input":[{"type":"computer_call_output","call_id":"c","output":{}}])",
        R"("input":"x","tool_choice":{"type":"web_search"})"}) {
    const auto unmet =
        first_unmet(parsed(std::string("{\"model\":\"m\",") + members + "}"), kLocalFeatures);
    EXPECT_TRUE(unmet) << members;
  }
  const std::string search = R"({"model":"m","input":[{"role":"user","content":"x"},
      {"type":"web_search_call","id":"w","status":"completed"}]})";
  EXPECT_FALSE(first_unmet(parsed(search), kLocalFeatures)) << "it may be left out";
}

}  // namespace
}  // namespace overtake::openai
