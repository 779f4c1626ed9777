#include "token/special_matcher.h"

#include <gmock/gmock.h>

namespace overtake {
namespace {

constexpr int64_t kNormal = 1, kControl = 3, kUserDefined = 4;

SpecialMatcher matcher(const std::vector<std::pair<std::string, int64_t>>& tokens) {
  Metadata metadata;
  std::vector<std::string> names;
  std::vector<int64_t> types;
  for (const auto& [name, type] : tokens) {
    names.push_back(name);
    types.push_back(type);
  }
  metadata.set("tokenizer.ggml.tokens", names);
  metadata.set("tokenizer.ggml.token_type", types);
  return std::move(*SpecialMatcher::make(*Vocabulary::read(metadata, "test"), metadata, "test"));
}

// "text" and "<id>" for each part.
std::vector<std::string> parts(const SpecialMatcher& matcher, const MarkedText& text) {
  std::vector<std::string> out;
  for (const SplitPart& part : matcher.split(text)) {
    out.push_back(part.special >= 0 ? "<" + std::to_string(part.special) + ">"
                                    : text.text.substr(part.begin, part.end - part.begin));
  }
  return out;
}

MarkedText marked(std::string_view trusted, std::string_view user, std::string_view more = "") {
  MarkedText text;
  text.append(trusted, true);
  text.append(user, false);
  text.append(more, true);
  return text;
}

using ::testing::ElementsAre;

TEST(SpecialMatcher, TakesTheLongestTokenFromTheLeft) {
  const SpecialMatcher m = matcher({{"<a>", kControl}, {"<a><b>", kControl}, {"><", kControl}});
  EXPECT_THAT(parts(m, marked("x<a><b>y<a><c", "")), ElementsAre("x", "<1>", "y", "<0>", "<c"));
  EXPECT_THAT(parts(m, marked("><a>", "")), ElementsAre("<2>", "a>"));
  EXPECT_THAT(parts(m, marked("", "")), ElementsAre());
  EXPECT_THAT(parts(m, marked("<a><", "")), ElementsAre("<0>", "<"));
}

TEST(SpecialMatcher, FallsBackToAShorterTokenThatIsTrusted) {
  const SpecialMatcher m = matcher({{"<a>", kControl}, {"<a><b>", kControl}});
  EXPECT_THAT(parts(m, marked("<a>", "<b>")), ElementsAre("<0>", "<b>"));
}

TEST(SpecialMatcher, NeverMatchesControlTokensWithOneUntrustedByte) {
  const SpecialMatcher m = matcher({{"<|end|>", kControl}, {"x", kNormal}});
  const std::string token = "<|end|>";
  EXPECT_THAT(parts(m, marked("", token)), ElementsAre(token));
  EXPECT_THAT(parts(m, marked(token, "")), ElementsAre("<0>"));
  for (size_t i = 0; i < token.size(); ++i) {
    const MarkedText text = marked(token.substr(0, i), token.substr(i, 1), token.substr(i + 1));
    EXPECT_THAT(parts(m, text), ElementsAre(token)) << "untrusted byte " << i;
  }
}

TEST(SpecialMatcher, MatchesUserDefinedTokensInAnyText) {
  const SpecialMatcher m = matcher({{"<tool>", kUserDefined}, {"<tool>!", kControl}});
  EXPECT_THAT(parts(m, marked("", "a<tool>!")), ElementsAre("a", "<0>", "!"));
  EXPECT_THAT(parts(m, marked("a<tool>!", "")), ElementsAre("a", "<1>"));
}

TEST(SpecialMatcher, RefusesTokensOfAbsurdLength) {
  Metadata metadata;
  metadata.set("tokenizer.ggml.tokens", std::vector<std::string>{std::string(5000, 'a')});
  metadata.set("tokenizer.ggml.token_type", std::vector<int64_t>{kControl});
  const auto made = SpecialMatcher::make(*Vocabulary::read(metadata, "test"), metadata, "test");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kDamaged);
}

}  // namespace
}  // namespace overtake
