#include "wire/text_index.h"

#include <gtest/gtest.h>

#include <limits>

namespace overtake::wire {
namespace {

TEST(TextIndex, TurnsCharactersIntoBytesAndBack) {
  const std::string pattern = "a\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x99\x82";  // 1 to 4 bytes
  TextIndex index;
  std::string text;
  for (int i = 0; i < 300; ++i) {
    // Cut within characters, too.
    index.add(pattern.substr(0, static_cast<size_t>(i % 10)));
    index.add(pattern.substr(static_cast<size_t>(i % 10)));
    text += pattern;
  }
  EXPECT_EQ(index.n_characters(), 1200);
  int64_t character = 0;
  for (size_t byte = 0; byte < text.size(); ++byte) {
    if ((static_cast<unsigned char>(text[byte]) & 0xc0) == 0x80) continue;
    const auto at = static_cast<int64_t>(byte);
    ASSERT_EQ(index.character_at(at), character);
    ASSERT_EQ(index.byte_at(character), at);
    ++character;
  }
  EXPECT_EQ(index.between(0, 3), "a\xc3\xa9");
}

TEST(TextIndex, PlacesBeyondTheTextAreItsEnds) {
  TextIndex index;
  EXPECT_EQ(index.character_at(5), 0);
  EXPECT_EQ(index.byte_at(5), 0);
  index.add("\x80x");  // no character begins with its first byte
  EXPECT_EQ(index.n_characters(), 1);
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(index.character_at(kFar), 1);
  EXPECT_EQ(index.character_at(-kFar), 0);
  EXPECT_EQ(index.byte_at(kFar), 2);
  EXPECT_EQ(index.byte_at(-kFar), 0);
  EXPECT_EQ(index.between(kFar, 0), "");
  EXPECT_EQ(index.between(-kFar, kFar), "\x80x");
}

}  // namespace
}  // namespace overtake::wire
