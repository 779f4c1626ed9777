#include "wire/fields.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "wire/anthropic/client.h"
#include "wire/anthropic/dialect.h"
#include "wire/gemini/client.h"
#include "wire/gemini/dialect.h"
#include "wire/ollama/client.h"
#include "wire/ollama/dialect.h"
#include "wire/openai/client.h"
#include "wire/openai/dialect.h"

namespace overtake::wire {
namespace {

TEST(Fields, ExtraMembersAreThoseThatAreNotKnown) {
  const Json json = Json::parse(R"({"a":1,"b":{"c":2},"d":null})");
  EXPECT_EQ(Fields(json).extra({"a"}), R"({"b":{"c":2},"d":null})");
  EXPECT_EQ(Fields(json).extra({"a", "b", "d"}), "");
}

TEST(Fields, WhatIsMissingIsAddedAndTheRestStays) {
  Json into = Json::parse(R"({"a":1,"b":null})");
  add_missing(Json::parse(R"({"b":2,"c":3})"), &into);
  EXPECT_EQ(dump_json(into), R"({"a":1,"b":null,"c":3})");
  EXPECT_EQ(with_member("", "a", "{}"), R"({"a":{}})");
  EXPECT_EQ(with_member(R"({"b":1})", "a", "[2]"), R"({"b":1,"a":[2]})");
}

struct Codec {
  const Dialect& dialect;
  const ClientDialect& client;
  const char* body;  // with {} for the members of three objects
};

// Looking at all members for each one would take a minute.
TEST(Fields, ManyMembersTakeNoMinutes) {
  constexpr int kMembers = 50'000;
  std::string many;
  for (int i = 0; i < kMembers; ++i) many += fmt::format(",\"member{:06}\":0", i);
  const Codec codecs[] = {
      {openai::chat_dialect, openai::client_dialect,
       R"({{"model":"m"{0},"messages":[{{"role":"user"{0},"content":)"
       R"([{{"type":"text","text":"a"{0}}}]}}]}})"},
      {openai::responses_dialect, openai::client_dialect,
       R"({{"model":"m"{0},"input":[{{"role":"user"{0},"content":)"
       R"([{{"type":"input_text","text":"a"{0}}}]}}]}})"},
      {anthropic::messages_dialect, anthropic::client_dialect,
       R"({{"model":"m","max_tokens":9{0},"thinking":{{"type":"disabled"{0}}},)"
       R"("messages":[{{"role":"user","content":[{{"type":"text","text":"a"{0}}}]}}]}})"},
      {gemini::event_dialect, gemini::client_dialect,
       R"({{"contents":[{{"role":"user","parts":[{{"text":"a"{0}}}]}}],)"
       R"("generationConfig":{{"topK":3{0}}}{0}}})"},
      {gemini::event_dialect, gemini::client_dialect,
       R"({{"contents":[{{"parts":[{{"text":"a"}}]}}],"tools":[{{"functionDeclarations":)"
       R"([{{"name":"f","parameters":{{"type":"OBJECT"{0}}}}}]}}]}})"},
      {ollama::chat_dialect, ollama::client_dialect,
       R"({{"model":"m"{0},"options":{{"top_k":3{0}}},)"
       R"("messages":[{{"role":"user","content":"a"{0}}}]}})"}};
  const std::clock_t begin = std::clock();  // of the processor: others may have it meanwhile
  for (const Codec& codec : codecs) {
    const auto body = parse_json(fmt::format(fmt::runtime(codec.body), many), "body");
    ASSERT_TRUE(body.ok()) << body.error().message;
    Call call;
    const auto error = codec.dialect.parse(*body, &call);
    ASSERT_FALSE(error) << error->message;
    GenerateRequest request = call.choice_request(0);
    request.model = "m";
    const auto out = codec.client.write_request(request, false);
    ASSERT_TRUE(out.ok()) << out.error().message;
    // All of it leaves again, where it is the vendor's own.
    if (codec.dialect.name != "openai-responses") {
      EXPECT_GT(out->body.size(), many.size()) << codec.dialect.name;
    }
  }
  EXPECT_LT(std::clock() - begin, 20 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace overtake::wire
