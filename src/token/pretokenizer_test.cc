#include "token/pretokenizer.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "token/tokenizer_test_support.h"

namespace overtake {
namespace {

using ::testing::ElementsAre;

const PreTokenizer& entry(std::string_view name) {
  for (const PreTokenizer* e : all_pretokenizers()) {
    for (std::string_view n : e->names) {
      if (n == name) return *e;
    }
  }
  ADD_FAILURE() << "no pre-tokenizer " << name;
  return *all_pretokenizers()[0];
}

std::vector<std::string> pieces(const PreTokenizer& pre, std::string_view text) {
  std::vector<std::string> out;
  for_each_piece(pre.steps, text, [&](std::string_view piece) { out.emplace_back(piece); });
  return out;
}

std::vector<std::string> pieces(std::string_view name, std::string_view text) {
  return pieces(entry(name), text);
}

// The contract of every entry of the registry.
TEST(PreTokenizer, EveryEntryCutsAnyBytesWithoutGaps) {
  std::set<std::string_view> names;
  std::mt19937 rng(7);
  for (const PreTokenizer* pre : all_pretokenizers()) {
    ASSERT_FALSE(pre->names.empty() && pre->structures.empty());
    ASSERT_FALSE(pre->steps.empty());
    for (std::string_view name : pre->names) EXPECT_TRUE(names.insert(name).second) << name;
    for (int round = 0; round < 2000; ++round) {
      const std::string text = testing::random_string(
          rng, 40, round % 2 ? std::string_view(" \n\r\ta1'sé.\xC2½中\xE2") : std::string_view());
      std::string joined;
      for (const std::string& piece : pieces(*pre, text)) joined += piece;
      EXPECT_EQ(joined, text);
    }
  }
}

TEST(PreTokenizer, EveryEntryIsLinearInLongRuns) {
  for (const PreTokenizer* pre : all_pretokenizers()) {
    for (const char* unit :
         {"a", " ", "\n", "\r\n ", "1", ".", "'", "'s", "é", "½", " a", "\xff", "\xE2"}) {
      std::string text;
      while (text.size() < 1 << 18) text += unit;
      size_t at = 0;
      for_each_piece(pre->steps, text, [&](std::string_view piece) { at += piece.size(); });
      EXPECT_EQ(at, text.size());
    }
  }
}

TEST(PreTokenizer, Gpt2KeepsASpaceWithItsWord) {
  EXPECT_THAT(pieces("gpt-2", "I'll  say it's 12345!!  \n\nx"),
              ElementsAre("I", "'ll", " ", " say", " it", "'s", " 12345", "!!", "  \n", "\n", "x"));
  EXPECT_THAT(pieces("gpt-2", "a   "), ElementsAre("a", "   "));
  EXPECT_THAT(pieces("gpt-2", "'S '"), ElementsAre("'", "S", " '"));
}

TEST(PreTokenizer, SmolLmPartsDigits) {
  EXPECT_THAT(pieces("smollm", "a 12  3 b"), ElementsAre("a", " ", "1", "2", "  ", "3", " b"));
  EXPECT_THAT(pieces("smollm", "x½४"), ElementsAre("x", "½", "४"));
}

TEST(PreTokenizer, FalconPartsPunctuationAndThreeDigits) {
  EXPECT_THAT(pieces("falcon", "it's ok... 12345 ½ 7"),
              ElementsAre("it", "'", "s", " ok", "...", " ", "123", "45", " ½", " ", "7"));
  EXPECT_THAT(pieces("falcon", "a  (b) ☃x"), ElementsAre("a", "  ", "(", "b", ")", " ☃", "x"));
}

TEST(PreTokenizer, Llama3TakesOneCharacterBeforeAWord) {
  EXPECT_THAT(pieces("llama-bpe", "(I'LL go)\r\n\n  x 12345\t y"),
              ElementsAre("(I", "'LL", " go", ")\r\n\n", " ", " x", " ", "123", "45", "\t", " y"));
}

// DeepSeek's steps in another company: each is known alone.
TEST(PreTokenizer, FindsTheStepsOfLongerStructures) {
  const std::vector<std::string> steps = {
      "Split isolated regex [\r\n]", "Split isolated regex \\s?\\p{L}+",
      "Split isolated regex \\s+$", "Digits individual", "ByteLevel plain"};
  EXPECT_EQ(find_pretokenizer(steps, false), nullptr);
  const auto found = find_steps(steps, "test");
  ASSERT_TRUE(found.ok()) << found.error().message;
  std::vector<std::string> got;
  for_each_piece(*found, "ab cd12\n\n  ", [&](std::string_view p) { got.emplace_back(p); });
  EXPECT_THAT(got, ElementsAre("ab", " cd", "1", "2", "\n", "\n", "  "));
  EXPECT_EQ(
      find_steps(std::vector<std::string>{"ByteLevel", "Digits individual"}, "test").error().code,
      ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace overtake
