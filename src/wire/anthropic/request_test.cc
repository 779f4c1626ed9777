#include "wire/anthropic/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/anthropic/dialect.h"

namespace overtake::anthropic {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

wire::Call parse(const std::string& body) {
  wire::Call call;
  const auto error = parse_messages_request(Json::parse(body), &call);
  EXPECT_FALSE(error) << error->message;
  return call;
}

// The request of one user message and these other members.
std::string with(const std::string& members) {
  return R"({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], )" +
         members + "}";
}
std::string with_messages(const std::string& messages) {
  return R"({"model": "m", "max_tokens": 9, "messages": )" + messages + "}";
}
// One message of `role` with these blocks.
std::string with_blocks(const std::string& blocks, const std::string& role = "user") {
  return with_messages(R"([{"role": ")" + role + R"(", "content": [)" + blocks + "]}]");
}

const ChatPrompt& chat(const wire::Call& call) { return std::get<ChatPrompt>(call.prompts.at(0)); }
Json json(const std::string& text) { return Json::parse(text); }

TEST(AnthropicRequest, ReadsTheSimplest) {
  const wire::Call call = parse(with(R"("stream": true)"));
  EXPECT_EQ(call.model, "m");
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.n_choices(), 1);
  EXPECT_EQ(call.request.dialect, "anthropic");
  EXPECT_EQ(call.request.max_tokens, 9);
  EXPECT_EQ(call.request.extra, "");
  ASSERT_EQ(chat(call).messages.size(), 1u);
  EXPECT_EQ(chat(call).messages[0].role, Role::kUser);
  EXPECT_EQ(chat(call).messages[0].text(), "hi");
  EXPECT_TRUE(chat(call).add_generation_prompt);
  EXPECT_FALSE(chat(call).continue_final_message);
}

TEST(AnthropicRequest, ReadsSamplingAndStops) {
  const wire::Call call =
      parse(with(R"("temperature": 0.5, "top_k": 40, "top_p": 0.9, "stop_sequences": ["a", "b"])"));
  EXPECT_EQ(call.request.sampling.temperature, 0.5);
  EXPECT_EQ(call.request.sampling.top_k, 40);
  EXPECT_EQ(call.request.sampling.top_p, 0.9);
  EXPECT_THAT(call.request.stop, ElementsAre("a", "b"));
  EXPECT_EQ(parse(with(R"("top_p": 0)")).request.sampling.top_k, 1);
}

TEST(AnthropicRequest, SystemIsAStringOrBlocks) {
  const wire::Call text = parse(with(R"("system": "be brief")"));
  ASSERT_EQ(chat(text).messages.size(), 2u);
  EXPECT_EQ(chat(text).messages[0].role, Role::kSystem);
  EXPECT_EQ(chat(text).messages[0].text(), "be brief");
  const wire::Call blocks = parse(with(
      R"("system": [{"type": "text", "text": "a"},
          {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}])"));
  const Message& system = chat(blocks).messages[0];
  ASSERT_EQ(system.content.size(), 2u);
  EXPECT_EQ(json(std::get<TextPart>(system.content[1]).extra)["cache_control"]["type"],
            "ephemeral");
}

TEST(AnthropicRequest, ImagesAndDocumentsKeepTheirSources) {
  const wire::Call call = parse(with_blocks(R"(
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "Zm9v"}},
    {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}, "x": 1},
    {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
    {"type": "document", "title": "t", "citations": {"enabled": true},
     "source": {"type": "base64", "media_type": "application/pdf", "data": "Zm9v"}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
    {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}},
    {"type": "document", "source": {"type": "file", "file_id": "file_2"}})"));
  const auto& parts = chat(call).messages.at(0).content;
  ASSERT_EQ(parts.size(), 7u);
  EXPECT_EQ(std::get<ImagePart>(parts[0]).bytes, "foo");
  EXPECT_EQ(std::get<ImagePart>(parts[0]).media_type, "image/png");
  EXPECT_EQ(std::get<ImagePart>(parts[1]).url, "https://a/b.png");
  EXPECT_EQ(std::get<ImagePart>(parts[1]).extra, R"({"x":1})");
  EXPECT_EQ(std::get<FilePart>(parts[2]).id, "file_1");
  EXPECT_EQ(std::get<FilePart>(parts[2]).media_type, "image");
  EXPECT_EQ(std::get<FilePart>(parts[3]).name, "t");
  EXPECT_EQ(std::get<FilePart>(parts[3]).bytes, "foo");
  EXPECT_EQ(std::get<FilePart>(parts[3]).media_type, "application/pdf");
  EXPECT_EQ(std::get<FilePart>(parts[3]).extra, R"({"citations":{"enabled":true}})");
  EXPECT_EQ(std::get<FilePart>(parts[4]).bytes, "words");
  EXPECT_EQ(std::get<FilePart>(parts[5]).url, "https://a/b.pdf");
  EXPECT_EQ(std::get<FilePart>(parts[6]).id, "file_2");
}

TEST(AnthropicRequest, ThoughtsKeepTheirProof) {
  const wire::Call call = parse(with_blocks(
      R"({"type": "thinking", "thinking": "hm", "signature": "s"},
         {"type": "redacted_thinking", "data": "d"}, {"type": "text", "text": "so"})",
      "assistant"));
  const Message& message = chat(call).messages.at(0);
  ASSERT_EQ(message.content.size(), 3u);
  EXPECT_EQ(std::get<ReasoningPart>(message.content[0]).text, "hm");
  EXPECT_EQ(std::get<ReasoningPart>(message.content[0]).signature, "s");
  EXPECT_EQ(std::get<ReasoningPart>(message.content[1]).encrypted, "d");
  EXPECT_TRUE(chat(call).continue_final_message) << "the last message is the answer's beginning";
  EXPECT_FALSE(chat(call).add_generation_prompt);
}

TEST(AnthropicRequest, ToolResultsBecomeMessages) {
  const wire::Call call = parse(with_messages(R"([
    {"role": "user", "content": "weather?"},
    {"role": "assistant", "content": [{"type": "text", "text": "I look"},
      {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1]}, "cache_control": {}},
      {"type": "tool_use", "id": "t2", "name": "g", "input": {}}]},
    {"role": "user", "content": [
      {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "warm"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}]},
      {"type": "tool_result", "tool_use_id": "t2", "content": "broken", "is_error": true},
      {"type": "tool_result", "tool_use_id": "t3"},
      {"type": "text", "text": "and now?"}]}])"));
  const auto& messages = chat(call).messages;
  ASSERT_EQ(messages.size(), 6u);
  const auto calls = messages[1].tool_calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(messages[1].text(), "I look");
  EXPECT_EQ(calls[0]->id, "t1");
  EXPECT_EQ(calls[0]->name, "f");
  EXPECT_EQ(calls[0]->arguments, R"({"a":[1]})");
  EXPECT_EQ(calls[0]->extra, R"({"cache_control":{}})");
  EXPECT_EQ(calls[1]->arguments, "{}");
  EXPECT_EQ(messages[2].role, Role::kTool);
  EXPECT_EQ(messages[2].tool_call_id, "t1");
  EXPECT_EQ(messages[2].name, "f");
  EXPECT_EQ(messages[2].text(), "warm");
  EXPECT_TRUE(std::holds_alternative<ImagePart>(messages[2].content.at(1)));
  EXPECT_FALSE(messages[2].tool_failed);
  EXPECT_TRUE(messages[3].tool_failed);
  EXPECT_EQ(messages[3].text(), "broken");
  EXPECT_EQ(messages[4].tool_call_id, "t3");
  EXPECT_TRUE(messages[4].content.empty());
  EXPECT_EQ(messages[5].role, Role::kUser);
  EXPECT_EQ(messages[5].text(), "and now?");
  EXPECT_EQ(call.member_of(2, 1), "messages.2.content.0.content.1");
  EXPECT_EQ(call.member_of(5, 0), "messages.2.content.3");
  EXPECT_EQ(call.member_of(-1, 0), "");
}

TEST(AnthropicRequest, ReadsToolsAndTheirChoice) {
  const wire::Call call = parse(with(R"("tools": [
      {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true,
       "cache_control": {"type": "ephemeral"}},
      {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true})"));
  ASSERT_EQ(chat(call).tools.size(), 2u);
  const ToolSpec& tool = chat(call).tools[0];
  EXPECT_EQ(tool.name, "f");
  EXPECT_EQ(tool.description, "d");
  EXPECT_EQ(tool.parameters, R"({"type":"object"})");
  EXPECT_EQ(tool.strict, true);
  EXPECT_EQ(tool.extra, R"({"cache_control":{"type":"ephemeral"}})");
  EXPECT_EQ(chat(call).tools[1].name, "");
  EXPECT_EQ(json(chat(call).tools[1].extra)["max_uses"], 3);
  EXPECT_EQ(chat(call).tool_choice.kind, ToolChoice::Kind::kNamed);
  EXPECT_EQ(chat(call).tool_choice.name, "f");
  EXPECT_EQ(chat(call).tool_choice.parallel, false);
  using Kind = ToolChoice::Kind;
  for (const auto& [type, kind] :
       {std::pair{"auto", Kind::kAuto}, {"any", Kind::kRequired}, {"none", Kind::kNone}}) {
    const auto other = parse(with(R"("tool_choice": {"type": ")" + std::string(type) + "\"}"));
    EXPECT_EQ(chat(other).tool_choice.kind, kind) << type;
    EXPECT_EQ(chat(other).tool_choice.parallel, std::nullopt);
  }
}

TEST(AnthropicRequest, ReadsThinkingAndOutput) {
  const wire::Call call = parse(with(
      R"("thinking": {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
         "output_config": {"effort": "high", "task_budget": 5,
                           "format": {"type": "json_schema", "schema": {"type": "object"}}})"));
  EXPECT_EQ(call.request.reasoning.enabled, true);
  EXPECT_EQ(call.request.reasoning.budget_tokens, 2048);
  EXPECT_EQ(call.request.reasoning.shown, false);
  EXPECT_EQ(call.request.reasoning.effort, "high");
  EXPECT_EQ(call.request.format.kind, OutputFormat::Kind::kJsonSchema);
  EXPECT_EQ(call.request.format.schema, R"({"type":"object"})");
  EXPECT_EQ(call.request.extra, R"({"output_config":{"task_budget":5}})");
  const auto adaptive = parse(with(R"("thinking": {"type": "adaptive"})"));
  EXPECT_EQ(adaptive.request.reasoning.enabled, true);
  EXPECT_EQ(adaptive.request.reasoning.budget_tokens, std::nullopt);
  EXPECT_EQ(parse(with(R"("thinking": {"type": "disabled"})")).request.reasoning.enabled, false);
}

TEST(AnthropicRequest, WhatItDoesNotKnowGoesAlong) {
  const wire::Call call = parse(with(
      R"("metadata": {"user_id": "u", "workload": "w", "z": 1}, "service_tier": "auto",
         "cache_control": {"type": "ephemeral"}, "new_member": [1])"));
  EXPECT_EQ(call.request.end_user, "u");
  EXPECT_EQ(call.request.workload, "w");
  EXPECT_EQ(json(call.request.extra), json(R"({"metadata": {"z": 1}, "service_tier": "auto",
      "cache_control": {"type": "ephemeral"}, "new_member": [1]})"));
}

TEST(AnthropicRequest, CountsNeedNoLimit) {
  const Json body =
      Json::parse(R"({"model": "m", "messages": [{"role": "user", "content": "a"}]})");
  wire::Call call;
  EXPECT_FALSE(parse_count_request(body, &call));
  wire::Call other;
  EXPECT_EQ(parse_messages_request(body, &other)->param, "max_tokens");
}

TEST(AnthropicRequest, WrongFieldsAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {with(R"("max_tokens": 0)"), "max_tokens"},
      {with(R"("max_tokens": "9")"), "max_tokens"},
      {with(R"("temperature": 1.5)"), "temperature"},
      {with(R"("top_p": -1)"), "top_p"},
      {with(R"("top_k": 0.5)"), "top_k"},
      {with(R"("stream": 1)"), "stream"},
      {with(R"("stop_sequences": "a")"), "stop_sequences"},
      {with(R"("stop_sequences": [""])"), "stop_sequences"},
      {with(R"("stop_sequences": [1])"), "stop_sequences"},
      {with(R"("system": 1)"), "system"},
      {with(R"("system": [{"type": "image"}])"), "system.0.type"},
      {with(R"("system": [{"type": "text"}])"), "system.0.text"},
      {with(R"("thinking": {"type": "much"})"), "thinking.type"},
      {with(R"("thinking": {"type": "enabled"})"), "thinking.budget_tokens"},
      {with(R"("thinking": {"type": "adaptive", "display": "x"})"), "thinking.display"},
      {with(R"("output_config": {"format": {"type": "xml"}})"), "output_config.format.type"},
      {with(R"("output_config": {"format": {"type": "json_schema"}})"),
       "output_config.format.schema"},
      {with(R"("metadata": {"user_id": 1})"), "metadata.user_id"},
      {with(R"("tools": {})"), "tools"},
      {with(R"("tools": [1])"), "tools.0"},
      {with(R"("tools": [{"input_schema": {}}])"), "tools.0.name"},
      {with(R"("tools": [{"name": "f"}])"), "tools.0.input_schema"},
      {with(R"("tool_choice": {"type": "some"})"), "tool_choice.type"},
      {with(R"("tool_choice": {"type": "tool"})"), "tool_choice.name"},
      {R"({"max_tokens": 1})", "messages"},
      {with_messages("[]"), "messages"},
      {with_messages("[1]"), "messages.0"},
      {with_messages(R"([{"content": "a"}])"), "messages.0.role"},
      {with_messages(R"([{"role": "tool", "content": "a"}])"), "messages.0.role"},
      {with_messages(R"([{"role": "user"}])"), "messages.0.content"},
      {with_messages(R"([{"role": "user", "content": []}])"), "messages.0.content"},
      {with_blocks("1"), "messages.0.content.0"},
      {with_blocks("{}"), "messages.0.content.0.type"},
      {with_blocks(R"({"type": "video"})"), "messages.0.content.0.type"},
      {with_blocks(R"({"type": "tool_use"})"), "messages.0.content.0.type"},
      {with_blocks(R"({"type": "text", "text": 1})"), "messages.0.content.0.text"},
      {with_blocks(R"({"type": "image"})"), "messages.0.content.0.source"},
      {with_blocks(R"({"type": "image", "source": {"type": "text"}})"),
       "messages.0.content.0.source.type"},
      {with_blocks(R"({"type": "image", "source": {"type": "base64", "data": ""}})"),
       "messages.0.content.0.source.media_type"},
      {with_blocks(
           R"({"type": "image", "source": {"type": "base64", "media_type": "a", "data": "*"}})"),
       "messages.0.content.0.source.data"},
      {with_blocks(R"({"type": "document", "source": {"type": "scroll"}})"),
       "messages.0.content.0.source.type"},
      {with_blocks(R"({"type": "tool_result"})"), "messages.0.content.0.tool_use_id"},
      {with_blocks(R"({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "x"}]})"),
       "messages.0.content.0.content.0.type"},
      {with_blocks(R"({"type": "tool_use", "name": "f", "input": {}})", "assistant"),
       "messages.0.content.0.id"},
      {with_blocks(R"({"type": "tool_use", "id": "i", "name": "f", "input": "{}"})", "assistant"),
       "messages.0.content.0.input"},
      {with_blocks(R"({"type": "thinking"})", "assistant"), "messages.0.content.0.thinking"},
      {with_blocks(R"({"type": "redacted_thinking"})", "assistant"), "messages.0.content.0.data"},
  };
  for (const auto& [body, field] : cases) {
    wire::Call call;
    // A second member of the same name, as nlohmann reads it, takes the first one's place.
    const auto error = parse_messages_request(Json::parse(body), &call);
    ASSERT_TRUE(error) << body;
    EXPECT_EQ(error->status, 400) << body;
    EXPECT_EQ(error->param, field) << body;
    EXPECT_THAT(error->message, StartsWith(field)) << body;
  }
  wire::Call call;
  EXPECT_EQ(parse_messages_request(Json::array(), &call)->status, 400);
}

TEST(AnthropicRequest, NamesWhatAModelCanNotDo) {
  const auto field = [](const std::string& body) {
    const wire::Call call = parse(body);
    const auto use = first_unmet(call.choice_request(0), FeatureSet());
    if (!use) return std::string("nothing");
    const std::string member = call.member_of(use->message, use->part);
    return member.empty() ? messages_dialect.field_of(*use) : member;
  };
  EXPECT_EQ(field(with(R"("system": "a")")), "nothing");
  EXPECT_EQ(field(with(R"("top_k": 3)")), "top_k");
  EXPECT_EQ(field(with(R"("stop_sequences": ["a"])")), "stop_sequences");
  EXPECT_EQ(field(with(R"("thinking": {"type": "enabled", "budget_tokens": 9})")), "thinking");
  EXPECT_EQ(field(with(R"("tool_choice": {"type": "any"})")), "tool_choice");
  EXPECT_EQ(field(with(R"("tools": [{"name": "f", "input_schema": {}}])")), "tools.0");
  EXPECT_EQ(field(with(R"("output_config": {"format": {"type": "json_schema", "schema": {}}})")),
            "output_config.format");
  EXPECT_EQ(field(with_blocks(R"({"type": "text", "text": "a"},
          {"type": "image", "source": {"type": "url", "url": "https://a/b"}})")),
            "messages.0.content.1");
}

}  // namespace
}  // namespace overtake::anthropic
