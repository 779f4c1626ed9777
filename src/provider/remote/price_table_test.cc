#include "provider/remote/price_table.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "provider/remote/upstreams.h"

namespace overtake {
namespace {

using ::testing::HasSubstr;

std::string table(const std::string& row) {
  return R"({"as_of":"2026-11-24","models":{"farm/llama":)" + row + "}}";
}

void expect_sane(const std::string& name, const TokenPrices& prices) {
  EXPECT_GT(prices.input, 0) << name;
  EXPECT_LE(prices.input, 1'000'000) << name;  // 1000 USD a million
  if (name.find("embedding") != name.npos) {
    EXPECT_EQ(prices.output, 0) << name;  // its answers are no tokens
  } else {
    EXPECT_GT(prices.output, prices.input) << name;
  }
  EXPECT_GT(prices.cached_input, 0) << name;
  EXPECT_LE(prices.cached_input, prices.input) << name;
  EXPECT_GE(prices.cache_write, prices.input) << name;
  EXPECT_LE(prices.cache_write, 2 * prices.input) << name;
}

TEST(PriceTable, EveryBuiltInRowIsSane) {
  const auto& rows = PriceTable::built_in().rows();
  EXPECT_GE(rows.size(), 40u);
  for (const auto& [name, prices] : rows) {
    const std::string vendor = name.substr(0, name.find('/'));
    EXPECT_TRUE(vendor == "openai" || vendor == "anthropic" || vendor == "google") << name;
    EXPECT_EQ(prices.as_of.size(), 10u);
    expect_sane(name, prices.tokens);
    if (prices.long_prompt_above == 0) continue;
    EXPECT_GE(prices.long_prompt_above, 100'000) << name;
    expect_sane(name, prices.long_prompt);
    EXPECT_GT(prices.long_prompt.input, prices.tokens.input) << name;
  }
}

TEST(PriceTable, TakesADatedVersionForItsModelAndNothingElse) {
  const PriceTable& prices = PriceTable::built_in();
  const ModelPrices* base = prices.find("openai/gpt-4o");
  ASSERT_TRUE(base);
  EXPECT_EQ(base->tokens.input, 2500);
  EXPECT_EQ(base->tokens.cached_input, 1250);
  EXPECT_EQ(base->tokens.cache_write, 2500) << "as input";
  EXPECT_EQ(base->tokens.output, 10'000);
  EXPECT_EQ(prices.find("openai/gpt-4o-2024-08-06"), base);
  EXPECT_EQ(prices.find("openai/gpt-4o-2024-05-13")->tokens.input, 5000) << "has its own row";
  EXPECT_TRUE(prices.find("anthropic/claude-sonnet-4-5-20250929"));
  for (const char* name :
       {"openai/gpt-4o-mini-tts", "openai/gpt-4o-2024-08", "openai/gpt-4o-2024-13-06",
        "openai/gpt-4o-20240806x", "openai/gpt-4o-19990806", "openai/gpt-4o2024-08-06",
        "openai/gpt", "openai/gpt-4o-2024-08-06-2024-08-06", "openai/GPT-4o", "gpt-4o",
        "other/gpt-4o", "openai/", "", "-2024-08-06", "openai/ft:gpt-4o-2024-08-06:us::x"}) {
    EXPECT_FALSE(prices.find(name)) << name;
  }
}

TEST(PriceTable, ErrorsNameFileRowAndFix) {
  struct Bad {
    std::string json, words;
  };
  for (const Bad& bad : {
           Bad{"[]", "a table of prices is an object"},
           Bad{R"({"models":{}})", "no date \"as_of\""},
           Bad{R"({"as_of":"soon","models":{}})", "no date \"as_of\""},
           Bad{R"({"as_of":"2026-11-24"})", "no object \"models\""},
           Bad{R"({"as_of":"2026-11-24","models":{"llama":{}}})", "\"llama\" names no upstream"},
           Bad{table("3"), "an object"},
           Bad{table(R"({"input":1})"), "\"output\""},
           Bad{table(R"({"input":-1,"output":1})"), "from 0 to 1000000"},
           Bad{table(R"({"input":"1","output":1})"), "\"input\""},
           Bad{table(R"({"input":1e9,"output":1})"), "from 0 to 1000000"},
           Bad{table(R"({"input":0.0001,"output":1})"), "at most three decimals"},
           Bad{table(R"({"input":1,"output":1,"price":2})"), "its members are"},
           Bad{table(R"({"input":1,"output":1,"long_prompt":{"input":1,"output":2}})"), "above"},
           Bad{table(R"({"input":1,"output":1,"long_prompt":[]})"), "object"},
       }) {
    const auto parsed = PriceTable::parse(bad.json, "my/prices.json");
    ASSERT_FALSE(parsed.ok()) << bad.json;
    EXPECT_THAT(parsed.error().message, HasSubstr(bad.words));
    EXPECT_THAT(parsed.error().message, HasSubstr("my/prices.json"));
    if (bad.json.find("farm/llama") != bad.json.npos) {
      EXPECT_THAT(parsed.error().message, HasSubstr("farm/llama"));
    }
  }
}

TEST(PriceTable, TheOperatorsOwnGoFirstAndTheVendorsHoldAtTheVendorOnly) {
  const std::string path = ::testing::TempDir() + "overtake_own_prices.json";
  ASSERT_TRUE(write_file_atomic(path,
                                R"({"as_of":"2026-01-02","models":{
        "openai/gpt-4o":{"input":1,"output":2},
        "farm/llama":{"input":0.1,"output":0.2}}})")
                  .ok());
  const auto input = [](Upstreams& upstreams, const char* name) {
    const auto prices = upstreams.find(name)->info().prices;
    return prices ? prices->tokens.input : -1;
  };
  const Environment vendor = {{"OPENAI_API_KEY", "k"},
                              {"OVERTAKE_UPSTREAM_FARM_URL", "http://127.0.0.1:1/v1"}};
  auto own = Upstreams::from(vendor, {.prices_file = path});
  ASSERT_TRUE(own.ok()) << own.error().message;
  EXPECT_EQ(input(**own, "openai/gpt-4o"), 1000);
  EXPECT_EQ(input(**own, "farm/llama"), 100);
  EXPECT_EQ(input(**own, "farm/gpt-4o"), -1);
  EXPECT_EQ(input(**own, "openai/o3"), 2000);

  auto none = Upstreams::from(vendor, {.prices_file = path + ".absent"});
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_EQ(input(**none, "openai/gpt-4o"), 2500);
  auto gateway = Upstreams::from({{"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"}});
  ASSERT_TRUE(gateway.ok());
  EXPECT_EQ(input(**gateway, "openai/gpt-4o"), -1);

  ASSERT_TRUE(write_file_atomic(path, "{}").ok());
  const auto bad = Upstreams::from(vendor, {.prices_file = path});
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message, HasSubstr(path));
}

}  // namespace
}  // namespace overtake
