// Requests of OpenAI's Responses become messages, tools and parameters, or errors by field.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "wire/openai/client.h"
#include "wire/openai/dialect.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

wire::Call parse(const char* text) {
  wire::Call call;
  const auto error = responses_dialect.parse(Json::parse(text), &call);
  EXPECT_FALSE(error) << error->message;
  return call;
}

std::string wrong_field(const char* text) {
  wire::Call call;
  const auto error = responses_dialect.parse(Json::parse(text), &call);
  return error ? error->param.value_or("") : "none";
}

const ChatPrompt& chat_of(const wire::Call& call) {
  return std::get<ChatPrompt>(call.prompts.front());
}

TEST(ResponsesRequest, ATextIsAUsersMessageAfterTheInstructions) {
  const auto call = parse(R"({"model":"m","instructions":"i","input":"hi","stream":true,
                              "max_output_tokens":7,"reasoning":{"effort":"low"}})");
  const auto& messages = chat_of(call).messages;
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].role, Role::kSystem);
  EXPECT_EQ(messages[1].text(), "hi");
  EXPECT_EQ(call.request.max_tokens, 7);
  EXPECT_EQ(call.request.reasoning.effort, "low");
  EXPECT_TRUE(call.stream);
}

TEST(ResponsesRequest, ItemsOfOneAnswerAreOneMessage) {
  const auto call = parse(R"({"input":[{"role":"user","content":"q"},
      {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"t"}],
       "encrypted_content":"e"},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"s"}]},
      {"type":"function_call","call_id":"1","name":"f","arguments":"{}"},
      {"type":"function_call","call_id":"2","name":"g","arguments":"{}"},
      {"type":"function_call_output","call_id":"1","output":"r"},
      {"role":"assistant","content":"a"},{"role":"assistant","content":"b"}]})");
  const auto& messages = chat_of(call).messages;
  ASSERT_EQ(messages.size(), 5u);
  ASSERT_EQ(messages[1].content.size(), 4u);
  EXPECT_EQ(std::get<ReasoningPart>(messages[1].content[0]).encrypted, "e");
  EXPECT_EQ(messages[1].tool_calls().size(), 2u);
  EXPECT_EQ(messages[2].role, Role::kTool);
  EXPECT_EQ(messages[2].tool_call_id, "1");
  EXPECT_EQ(messages[4].text(), "b");
}

TEST(ResponsesRequest, HistoryComesAfterTheInstructions) {
  auto call = parse(R"({"instructions":"i","input":"new"})");
  const Json none = Json::object();
  wire::Fields fields(none);
  ItemMessages history;
  read_items(Json::parse(R"([{"role":"user","content":"old"}])"), "x", fields, &history);
  insert_history(std::move(history), &call);
  const auto& messages = chat_of(call).messages;
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].text() + messages[1].text() + messages[2].text(), "ioldnew");
  EXPECT_EQ(call.origins[1].parts, "x[0].content");
}

TEST(ResponsesRequest, ErrorsNameTheField) {
  EXPECT_EQ(wrong_field(R"({"input":[]})"), "input");
  EXPECT_EQ(wrong_field(R"({"input":[1]})"), "input[0]");
  EXPECT_EQ(wrong_field(R"({"input":[{"role":"x","content":""}]})"), "input[0].role");
  EXPECT_EQ(wrong_field(R"({"input":[{"role":"user","content":[{"type":"input_text"}]}]})"),
            "input[0].content[0].text");
  EXPECT_EQ(wrong_field(R"({"input":[{"content":"x"}]})"), "input[0].type");
  EXPECT_EQ(wrong_field(R"({"input":[{"type":"item_reference","id":"x"}]})"), "input[0].id");
  EXPECT_EQ(wrong_field(R"({"input":"a","tools":[{"type":"function"}]})"), "tools[0].name");
  EXPECT_EQ(wrong_field(R"({"input":"a","tool_choice":{"name":"mcp"}})"), "tool_choice.type");
  EXPECT_EQ(wrong_field(R"({"input":"a","text":{"format":{"type":"x"}}})"), "text.format.type");
  EXPECT_EQ(wrong_field(R"({"input":"a","prompt":{"id":"p"}})"), "prompt");
  EXPECT_EQ(wrong_field(R"({"input":"a","moderation":{"model":"m"}})"), "moderation");
  EXPECT_EQ(wrong_field(R"({"input":"a","max_output_tokens":0})"), "max_output_tokens");
}

// A chat completions upstream gets what it knows by the same name, and nothing of the rest.
TEST(ResponsesRequest, MembersOfTheOtherApiStayOutOfChatCompletions) {
  auto call = parse(R"({"input":"a","metadata":{"k":"v"},"service_tier":"flex","max_tool_calls":3,
                        "context_management":[],"unknown":1,"include":[],"truncation":"disabled"})");
  GenerateRequest request = call.choice_request(0);
  request.model = "m";
  const auto outgoing = client_dialect.write_request(request, false);
  ASSERT_TRUE(outgoing.ok()) << outgoing.error().message;
  const Json body = Json::parse(outgoing->body);
  EXPECT_EQ(body["metadata"]["k"], "v");
  EXPECT_EQ(body["service_tier"], "flex");
  for (const char* name :
       {"max_tool_calls", "context_management", "unknown", "include", "truncation", "input"}) {
    EXPECT_FALSE(body.contains(name)) << name;
  }
  call = parse(R"({"input":"a","tools":[{"type":"web_search"}]})");
  EXPECT_FALSE(client_dialect.write_request(call.choice_request(0), false).ok());
}

TEST(ResponsesRequest, KeptItemsAreWholeAndHaveIds) {
  const Json items = input_items(
      Json::parse(R"([{"role":"assistant","content":"a"},{"type":"function_call_output"},
                      {"type":"reasoning","id":"rs_9"}])"),
      "u-1");
  EXPECT_EQ(items[0]["id"], "msg_u-1_0");
  EXPECT_EQ(items[0]["content"][0]["type"], "output_text");
  EXPECT_EQ(items[2]["id"], "rs_9");
  EXPECT_EQ(id_of_item("msg_u-1_0"), "u-1");
  EXPECT_EQ(id_of_item("msg_1"), "");
}

TEST(ResponsesRequest, HowItRunsIsReadByName) {
  const auto call = parse(R"({"input":"a","background":true,"truncation":"auto",
      "include":["reasoning.encrypted_content","message.output_text.logprobs",
                 "web_search_call.results"]})");
  EXPECT_TRUE(call.background && call.truncate_input);
  EXPECT_EQ(call.request.top_logprobs, 0);
  EXPECT_FALSE(parse(R"({"input":"a","truncation":"disabled"})").truncate_input);
  EXPECT_EQ(wrong_field(R"({"input":"a","background":true,"store":false})"), "background");
  EXPECT_EQ(wrong_field(R"({"input":"a","background":1})"), "background");
  EXPECT_EQ(wrong_field(R"({"input":"a","truncation":"old"})"), "truncation");
  EXPECT_EQ(wrong_field(R"({"input":"a","include":["message"]})"), "include[0]");
  EXPECT_EQ(wrong_field(R"({"input":"a","prompt":{"id":"p"}})"), "prompt");
  EXPECT_EQ(wrong_field(R"({"input":"a","context_management":[{"type":"compaction"}]})"),
            "context_management");
}

}  // namespace
}  // namespace overtake::openai
