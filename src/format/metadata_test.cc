#include <gtest/gtest.h>

#include <limits>

#include "format/checkpoint.h"

namespace overtake {
namespace {

TEST(Metadata, ConvertsNumbersWhereExact) {
  Metadata meta("config.json");
  meta.set("u", uint64_t{7});
  meta.set("big", std::numeric_limits<uint64_t>::max());
  meta.set("i", int64_t{-7});
  meta.set("odd", (int64_t{1} << 53) + 1);
  meta.set("whole", 3.0);
  meta.set("half", 3.5);
  meta.set("huge", 1e300);
  meta.set("nan", std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(*meta.get_int("u"), 7);
  EXPECT_EQ(*meta.get_int("i"), -7);
  EXPECT_EQ(*meta.get_int("whole"), 3);
  EXPECT_EQ(*meta.get_double("u"), 7.0);
  EXPECT_EQ(*meta.get_double("i"), -7.0);
  EXPECT_EQ(*meta.get_double("half"), 3.5);
  for (const char* key : {"big", "half", "huge", "nan"}) {
    EXPECT_FALSE(meta.get_int(key).ok()) << key;
  }
  EXPECT_FALSE(meta.get_double("big").ok());
  EXPECT_FALSE(meta.get_double("odd").ok());
}

TEST(Metadata, NamesKeyFileAndTypesOfAMismatch) {
  Metadata meta("config.json");
  meta.set("k", std::string("x"));
  const auto result = meta.get_int("k");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDamaged);
  EXPECT_EQ(result.error().message,
            "key k: expected a 64-bit integer, file has a string; config.json; the file is damaged "
            "or incomplete: get it again");
  EXPECT_FALSE(meta.find_bool("k").ok());
  EXPECT_FALSE(meta.find_double("k").ok());
  EXPECT_FALSE(meta.find_ints("k").ok());
  EXPECT_FALSE(meta.find_strings("k").ok());
  meta.set("b", true);
  EXPECT_FALSE(meta.find_int("b").ok());
  EXPECT_FALSE(meta.find_string("b").ok());
}

TEST(Metadata, AbsentIsNulloptOrAnErrorThatNamesTheKey) {
  const Metadata meta("config.json");
  EXPECT_FALSE(meta.find_int("gone")->has_value());
  EXPECT_FALSE(meta.find_string("gone")->has_value());
  EXPECT_EQ(*meta.find_strings("gone"), nullptr);
  EXPECT_FALSE(meta.find_ints("gone")->has_value());
  const auto result = meta.get_string("gone");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("key gone is missing; config.json"), std::string::npos);
}

TEST(Metadata, TakesOneNumberAsAnArrayAndAnEmptyArrayAsAny) {
  Metadata meta;
  meta.set("one", int64_t{2});
  meta.set("empty", std::vector<bool>());
  meta.set("bools", std::vector<bool>{true});
  EXPECT_EQ(**meta.find_ints("one"), std::vector<int64_t>{2});
  EXPECT_EQ(**meta.find_doubles("one"), std::vector<double>{2.0});
  EXPECT_TRUE((*meta.find_ints("empty"))->empty());
  EXPECT_TRUE((*meta.find_strings("empty"))->empty());
  EXPECT_FALSE(meta.find_ints("bools").ok());
  EXPECT_FALSE(meta.find_strings("one").ok());
}

}  // namespace
}  // namespace overtake
