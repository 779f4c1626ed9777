#include "wire/betas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace overtake::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Betas, AreReadOnceEachFromAllTheirHeaders) {
  std::vector<std::string> names;
  EXPECT_FALSE(read_betas("x-beta", "b-2025-01-01, a.b ,,\tb-2025-01-01", &names));
  EXPECT_FALSE(read_betas("x-beta", "c", &names));
  EXPECT_FALSE(read_betas("x-beta", "", &names));
  EXPECT_THAT(names, ElementsAre("b-2025-01-01", "a.b", "c"));
}

TEST(Betas, WhatIsNoNameIsRefused) {
  for (const std::string& list :
       {std::string("a b"), std::string("a\r\nx-api-key: k"), std::string("\"a\""),
        std::string("a;b"), std::string("n\xc3\xa4me"), std::string(kMaxBetaBytes + 1, 'a')}) {
    std::vector<std::string> names;
    const auto error = read_betas("x-beta", list, &names);
    ASSERT_TRUE(error) << list;
    EXPECT_EQ(error->status, 400);
    EXPECT_EQ(error->param, "x-beta");
    EXPECT_THAT(error->message, HasSubstr("x-beta: expected"));
  }
  std::string many;
  for (size_t i = 0; i <= kMaxBetas; ++i) many += "a" + std::to_string(i) + ",";
  std::vector<std::string> names;
  EXPECT_TRUE(read_betas("x-beta", many, &names));
}

}  // namespace
}  // namespace overtake::wire
