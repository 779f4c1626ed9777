#include "engine/speculation/prompt_lookup.h"

#include <gtest/gtest.h>

#include <random>

namespace overtake {
namespace {

std::vector<int32_t> guess(const PromptLookup& lookup, size_t n) {
  std::vector<int32_t> out;
  lookup.propose(n, out);
  return out;
}

using Ids = std::vector<int32_t>;

TEST(PromptLookup, GuessesWhatFollowedTheLongestAgreement) {
  PromptLookup lookup;
  lookup.begin(Ids{1, 2, 3, 10, 9, 2, 3, 20, 8, 1, 2});
  EXPECT_EQ(guess(lookup, 3), (Ids{3, 10, 9}));
  const auto outcome = lookup.push(3);  // 2 3 20 is newer, 1 2 3 10 agrees longer
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->right);
  EXPECT_EQ(outcome->length, 2);
  EXPECT_EQ(lookup.length(), 3);
  EXPECT_EQ(guess(lookup, 2), (Ids{10, 9}));
}

TEST(PromptLookup, OneTokenAloneIsNoReasonToGuess) {
  PromptLookup lookup;
  lookup.begin(Ids{1, 2, 3, 4});
  EXPECT_FALSE(lookup.push(2));
  EXPECT_EQ(lookup.length(), std::nullopt);
  EXPECT_TRUE(guess(lookup, 4).empty());
  lookup.push(3);
  EXPECT_EQ(guess(lookup, 1), (Ids{4}));
}

TEST(PromptLookup, GoesOnBehindAWordThatWasReplaced) {
  PromptLookup lookup;
  lookup.begin(Ids{1, 2, 3, 4, 5, 6, 7, 99, 1});
  for (const int32_t id : {2, 3, 4}) lookup.push(id);
  const auto outcome = lookup.push(50);  // for 5
  EXPECT_FALSE(outcome->right);
  EXPECT_EQ(lookup.length(), 0);
  EXPECT_EQ(guess(lookup, 2), (Ids{6, 7}));
}

TEST(PromptLookup, ARepetitionIsGuessedPastTheEndOfTheText) {
  PromptLookup lookup;
  lookup.begin(Ids{7, 1, 2, 3, 1, 2, 3, 1, 2});
  EXPECT_EQ(guess(lookup, 7), (Ids{3, 1, 2, 3, 1, 2, 3}));
}

TEST(PromptLookup, AnExpectedTextIsTheFirstGuessAndEndsWhereItEnds) {
  PromptLookup lookup(Ids{1, 2, 3});
  lookup.begin(Ids{8, 9});
  EXPECT_EQ(lookup.length(), 0);
  EXPECT_EQ(guess(lookup, 9), (Ids{1, 2, 3}));
  for (const int32_t id : {1, 2, 3}) EXPECT_TRUE(lookup.push(id)->right);
  EXPECT_EQ(lookup.length(), std::nullopt);  // the prompt is not what follows it
}

// Against the definition, over texts of few words: the source of a guess agrees with as many of
// the last tokens as length() says.
TEST(PromptLookup, GuessesAgreeWithTheirSource) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Ids text(3000);
    for (int32_t& id : text) id = static_cast<int32_t>(random() % (2 + seed));
    PromptLookup lookup;
    const size_t n_prompt = random() % 100;
    lookup.begin(std::span<const int32_t>(text).first(n_prompt));
    int guesses = 0;
    for (size_t n = n_prompt; n < text.size(); ++n) {
      if (const auto length = lookup.length()) {
        ++guesses;
        const Ids next = guess(lookup, 1);
        ASSERT_EQ(next.size(), 1u);
        bool found = *length == 0;
        const auto last = text.begin() + static_cast<ptrdiff_t>(n) - *length;
        for (size_t at = 0; !found && at + *length < n; ++at) {
          found = text[at + *length] == next[0] &&
                  std::equal(last, last + *length, text.begin() + static_cast<ptrdiff_t>(at));
        }
        ASSERT_TRUE(found) << seed << " at " << n;
      }
      lookup.push(text[n]);
    }
    EXPECT_GT(guesses, 100) << seed;
  }
}

}  // namespace
}  // namespace overtake
