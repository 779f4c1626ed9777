#include "base/json.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace overtake {
namespace {

std::string problem(std::string_view text, JsonLimits limits = {}) {
  const Result<Json> result = parse_json(text, "document", limits);
  return result.ok() ? "none" : result.error().message;
}

TEST(Json, BuildsWhatTheLibraryBuilds) {
  for (
      const std::string text :
      {R"({"b":[1,-2,3.5,"x",null,true,{}],"a":{"c":[[],[{"d":false}]]},"z":18446744073709551615})",
       "[]", "{}", "\"\\u00e9\"", " 7 ", R"([[1,[2,[3]]],{"a":{"b":{"c":[]}}},"end"])"}) {
    const Result<Json> result = parse_json(text, "document");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(*result, Json::parse(text));
    EXPECT_EQ(dump_json(*result), Json::parse(text).dump());
  }
}

TEST(Json, RefusesWhatIsNotJson) {
  EXPECT_EQ(problem("{\"a\":1}"), "none");
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "nul", "[1] 2", "\"\xff\"", "[NaN]", "01"}) {
    EXPECT_NE(problem(text), "none") << text;
  }
}

TEST(Json, RefusesDuplicateKeys) {
  EXPECT_NE(problem(R"({"a":1,"b":{"a":2},"a":3})").find("\"a\" stands twice"), std::string::npos);
  EXPECT_EQ(problem(R"([{"a":1},{"a":2}])"), "none");
}

TEST(Json, RefusesNumbersThatAreNotFinite) { EXPECT_NE(problem("[1e999]"), "none"); }

TEST(Json, KeepsOddBytesOutOfMessages) {
  for (const char* text : {"[\"\xad\"]", "{\"\x1b\":", "[\xff]", "{\"\u001b\":1,\"\u001b\":2}"}) {
    for (const char c : problem(text)) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << text;
  }
}

TEST(Json, BoundsDepth) {
  const JsonLimits limits = {.max_depth = 3};
  EXPECT_EQ(problem("[[[1]]]", limits), "none");
  EXPECT_NE(problem("[[[[1]]]]", limits).find("deeper than 3"), std::string::npos);
  EXPECT_NE(problem(std::string(1 << 20, '['), limits), "none");
}

TEST(Json, BoundsTheNumberOfValues) {
  const JsonLimits limits = {.max_values = 4};
  EXPECT_EQ(problem("[1,2,3]", limits), "none");
  EXPECT_NE(problem("[1,2,3,4]", limits).find("more than 4"), std::string::npos);
}

// Quadratic work in the number of keys would make this test take minutes.
TEST(Json, ReadsObjectsOfManyKeysInLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 500'000; ++i) text += fmt::format("{}\"{}\":0", i ? "," : "", i);
  const Result<Json> result = parse_json(text + "}", "document");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->size(), 500'000u);
}

}  // namespace
}  // namespace overtake
