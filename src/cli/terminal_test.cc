#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

TEST(Terminal, PrintableDisarmsEscapesControlsAndBidi) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a�[31mb");
  EXPECT_EQ(printable(std::string_view("x\0y", 3)), "x�y");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "�31m");  // the 8-bit form of ESC [
  EXPECT_EQ(printable("user\xE2\x80\xAEtxt.exe"), "user�txt.exe");
  EXPECT_EQ(printable("caf\xC3"), "caf�");
  EXPECT_EQ(printable("日本 ok"), "日本 ok");
  EXPECT_EQ(printable("a\nb"), "a�b");
  EXPECT_EQ(printable("a\n\tb", true), "a\n\tb");
}

TEST(Terminal, DisplayWidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("é"), 1);
  EXPECT_EQ(display_width("\x1b[31mred\x1b[0m"), 3);
}

TEST(Terminal, ShortenedFitsItsColumns) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abcde…");
  EXPECT_EQ(shortened("日本語", 5), "日本…");
}

TEST(Terminal, NumbersInWords) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(98'362'432), "98.4 MB");
  EXPECT_EQ(human_bytes(999'999), "1.0 MB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18.4 EB");
  EXPECT_EQ(human_count(134'515'008), "135 M");
  EXPECT_EQ(human_duration(0.84), "0.8 s");
  EXPECT_EQ(human_duration(125), "2 min 5 s");
  EXPECT_EQ(human_duration(3720), "1 h 2 min");
  EXPECT_EQ(human_cost(0), "$0");
  EXPECT_EQ(human_cost(1), "$0.000000001");
  EXPECT_EQ(human_cost(500), "$0.000000500");
  EXPECT_EQ(human_cost(1'234'567), "$0.00123");
  EXPECT_EQ(human_cost(250'000'000), "$0.250");
  EXPECT_EQ(human_cost(12'345'678'901), "$12.35");
  EXPECT_EQ(with_commas(98'362'432), "98,362,432");
  EXPECT_EQ(with_commas(999), "999");
}

TEST(Terminal, TableAlignsColumnsOfAnyScript) {
  Table table({Table::Align::kLeft, Table::Align::kRight, Table::Align::kLeft});
  table.add({"日本", "1", "x"});
  table.add({"name", "1000", ""});
  EXPECT_EQ(table.text(2), "  日本     1  x\n  name  1000\n");
}

TEST(Terminal, NoColorsAndNoProgressInAFile) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(Colors::for_stream(file).red, "");
  {
    ProgressBar bar(file, "reading", 10);
    bar.update(5);
  }
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

}  // namespace
}  // namespace overtake
