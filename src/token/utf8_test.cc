#include "token/utf8.h"

#include <gtest/gtest.h>

#include <random>

#include "token/tokenizer.h"

namespace overtake {
namespace {

std::string whole(std::string_view bytes) {
  Utf8Stream stream;
  std::string out = stream.push(bytes);
  return out + stream.finish();
}

TEST(Utf8Stream, KeepsCharactersOfEveryLength) {
  const std::string text =
      "a\x7f\xC2\x80ß\xDF\xBF\xE0\xA0\x80中\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"
      "\xF0\x90\x80\x80😀\xF4\x8F\xBF\xBF";
  EXPECT_EQ(whole(text), text);
}

// The right side is bytes.decode(errors="replace") of Python 3.
TEST(Utf8Stream, ReplacesBrokenBytesAsPythonDoes) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(whole("\xff"), r);
  EXPECT_EQ(whole("\x80\x80"), r + r);
  EXPECT_EQ(whole("\xC0\xAF"), r + r);                  // overlong
  EXPECT_EQ(whole("\xE0\x9F\xBF"), r + r + r);          // overlong
  EXPECT_EQ(whole("\xED\xA0\x80"), r + r + r);          // surrogate
  EXPECT_EQ(whole("\xF4\x90\x80\x80"), r + r + r + r);  // past U+10FFFF
  EXPECT_EQ(whole("\xE2\x28\xA1"), r + "(" + r);
  EXPECT_EQ(whole("\xF0\x9F\x98"
                  "a"),
            r + "a");               // three good bytes: one replacement
  EXPECT_EQ(whole("\xE2\x82"), r);  // cut off
  EXPECT_EQ(whole("\xF0\x9F\x98\xE2\x82\xAC"), r + "€");
  EXPECT_EQ(whole("x\xC3"), "x" + r);
}

TEST(Utf8Stream, NeverEmitsHalfACharacter) {
  const std::string text = "aé中😀";
  Utf8Stream stream;
  std::string out;
  for (char c : text) {
    const std::string piece = stream.push({&c, 1});
    if (!piece.empty()) {
      EXPECT_NE(piece[0] & 0xC0, 0x80) << "begins within a character";
      EXPECT_EQ(piece.size(), utf8_length_of_lead(piece[0]));
    }
    out += piece;
  }
  EXPECT_EQ(out, text);
  EXPECT_EQ(stream.finish(), "");
}

TEST(Utf8Stream, GivesTheSameHoweverBytesAreCut) {
  std::mt19937 rng(1);
  const std::string_view alphabet = "a\x80\x9f\xa0\xbf\xc2\xe0\xe2\xed\xf0\xf4\xf5";
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(rng() % 12, '\0');
    for (char& c : bytes) c = alphabet[rng() % alphabet.size()];
    Utf8Stream stream;
    std::string out;
    for (size_t at = 0; at < bytes.size();) {
      const size_t n = 1 + rng() % 3;
      out += stream.push(std::string_view(bytes).substr(at, n));
      at += n;
    }
    out += stream.finish();
    EXPECT_EQ(out, whole(bytes));
    EXPECT_EQ(whole(out), out) << "what comes out is UTF-8";
  }
}

}  // namespace
}  // namespace overtake
