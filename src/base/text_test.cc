#include "base/text.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

TEST(Escaped, KeepsPlainTextAndEscapesTheRest) {
  EXPECT_EQ(escaped("blk.0.attn_q.weight ~"), "blk.0.attn_q.weight ~");
  EXPECT_EQ(escaped(std::string_view("\x1b[2J\n\0\x7f\xc3\xa9", 9)),
            "\\x1b[2J\\x0a\\x00\\x7f\\xc3\\xa9");
}

TEST(Escaped, ShortensLongTexts) {
  EXPECT_EQ(escaped(std::string(96, 'a')), std::string(96, 'a'));
  const std::string start(96, 'a');
  EXPECT_EQ(escaped(start + "a"), start + "... (97 bytes)");
}

}  // namespace
}  // namespace overtake
