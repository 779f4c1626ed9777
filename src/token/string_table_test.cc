#include "token/string_table.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

#include "token/hash.h"

namespace overtake {
namespace {

TEST(StringTable, FindsWhatWasIndexedAndNothingElse) {
  std::mt19937 rng(2);
  std::vector<std::string> strings;
  StringTable table;
  table.reserve(5000, 0);
  std::unordered_map<std::string, int32_t> expected;
  for (int32_t i = 0; i < 5000; ++i) {
    std::string s(rng() % 20, '\0');
    for (char& c : s) c = static_cast<char>('a' + rng() % 3);
    table.push_back(s);
    if (i % 2) continue;
    const bool fresh = expected.emplace(s, i).second;
    EXPECT_EQ(table.index(i),
              fresh ? StringTable::Indexed::kDone : StringTable::Indexed::kDuplicate);
  }
  EXPECT_EQ(table.size(), 5000);
  for (int32_t i = 0; i < 5000; ++i) {
    const auto found = expected.find(std::string(table[i]));
    EXPECT_EQ(table.find(table[i]), found == expected.end() ? -1 : found->second);
  }
}

TEST(StringTable, IsEmptyAtFirst) {
  StringTable table;
  EXPECT_EQ(table.size(), 0);
  EXPECT_EQ(table.find(""), -1);
  EXPECT_EQ(table.find("x"), -1);
}

TEST(Hash, DependsOnEveryByteAndTheLength) {
  for (size_t n = 1; n < 40; ++n) {
    const std::string text(n, 'a');
    for (size_t i = 0; i < n; ++i) {
      std::string other = text;
      other[i] = 'b';
      EXPECT_NE(hash_string(text), hash_string(other)) << n << " " << i;
    }
    EXPECT_NE(hash_string(text), hash_string(text + "a"));
  }
  EXPECT_NE(hash_string(std::string_view("\0", 1)), hash_string(""));
}

}  // namespace
}  // namespace overtake
