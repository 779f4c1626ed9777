#include "engine/stop_matcher.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

TEST(StopMatcher, FindsAStringAcrossPieces) {
  StopMatcher matcher({"STOP"});
  EXPECT_EQ(matcher.push("abcS").text, "abc");
  EXPECT_EQ(matcher.push("T").text, "");
  EXPECT_EQ(matcher.push("O").text, "");
  const auto out = matcher.push("Pdef");
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.matched, "STOP");
}

TEST(StopMatcher, GivesBackWhatDidNotBecomeAStop) {
  StopMatcher matcher({"STOP"});
  EXPECT_EQ(matcher.push("ST").text, "");
  EXPECT_EQ(matcher.push("ART").text, "START");  // the last T begins nothing
  EXPECT_EQ(matcher.push("x S").text, "x ");
  EXPECT_EQ(matcher.finish(), "S");
}

TEST(StopMatcher, OverlappingBeginnings) {
  StopMatcher matcher({"aab"});
  EXPECT_EQ(matcher.push("aaa").text, "a");  // "aa" may go on with b
  const auto out = matcher.push("b!");
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.matched, "aab");
}

TEST(StopMatcher, TheFirstInTheTextWins) {
  StopMatcher matcher({"world", "lo"});
  const auto out = matcher.push("hello world");
  EXPECT_EQ(out.text, "hel");
  EXPECT_EQ(out.matched, "lo");
}

TEST(StopMatcher, OneCharacterAtATimeGivesTheSameText) {
  const std::string text = "one\n\ntwo\n\nUser: three";
  StopMatcher matcher({"\n\nUser:", "###"});
  std::string shown, matched;
  for (const char c : text) {
    const auto out = matcher.push(std::string_view(&c, 1));
    shown += out.text;
    if (!out.matched.empty()) {
      matched = out.matched;
      break;
    }
  }
  EXPECT_EQ(shown, "one\n\ntwo");
  EXPECT_EQ(matched, "\n\nUser:");
}

TEST(StopMatcher, NoStopsHoldNothingBack) {
  StopMatcher matcher({"", ""});
  EXPECT_EQ(matcher.push("abc").text, "abc");
  EXPECT_EQ(matcher.finish(), "");
}

}  // namespace
}  // namespace overtake
