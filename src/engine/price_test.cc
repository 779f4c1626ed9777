#include "engine/price.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/event.h"

namespace overtake {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

UsageEvent usage(int64_t prompt, int64_t cached, int64_t written, int64_t completion) {
  UsageEvent out;
  out.prompt_tokens = prompt;
  out.cached_tokens = cached;
  out.cache_write_tokens = written;
  out.completion_tokens = completion;
  return out;
}

ModelPrices prices() {
  ModelPrices out;
  out.tokens = {.input = 3000, .cached_input = 300, .cache_write = 3750, .output = 15000};
  return out;
}

TEST(Price, CountsEveryTokenOnce) {
  EXPECT_EQ(cost_nano_usd(prices(), usage(1000, 0, 0, 100)), 4'500'000);
  EXPECT_EQ(cost_nano_usd(prices(), usage(1000, 400, 100, 100)),
            500 * 3000 + 400 * 300 + 100 * 3750 + 100 * 15000);
  EXPECT_EQ(cost_nano_usd(prices(), usage(1000, 1000, 0, 0)), 300'000);
  UsageEvent thought = usage(10, 0, 0, 100);
  thought.reasoning_tokens = 90;  // among the 100
  EXPECT_EQ(cost_nano_usd(prices(), thought), 30'000 + 1'500'000);
}

TEST(Price, LongPromptsHaveTheirOwn) {
  ModelPrices two = prices();
  two.long_prompt_above = 1000;
  two.long_prompt = {.input = 6000, .cached_input = 600, .cache_write = 7500, .output = 22500};
  EXPECT_EQ(cost_nano_usd(two, usage(1000, 0, 0, 1)), 1000 * 3000 + 15000);
  EXPECT_EQ(cost_nano_usd(two, usage(1001, 1, 0, 1)), 1000 * 6000 + 600 + 22500);
}

TEST(Price, IsUnknownWhereTheCountsMakeNoSense) {
  EXPECT_FALSE(cost_nano_usd(prices(), usage(0, 0, 0, 0)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(0, 0, 0, 5)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(10, 6, 5, 1)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(10, -1, 0, 1)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(10, 0, -1, 1)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(10, 0, 0, -1)));
}

TEST(Price, NeverWraps) {
  EXPECT_FALSE(cost_nano_usd(prices(), usage(kMost, 0, 0, 1)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(10, 0, 0, kMost)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(kMost, kMost, kMost, 0)));
  EXPECT_FALSE(cost_nano_usd(prices(), usage(kMost / 6000, 0, 0, kMost / 20000)));
  EXPECT_TRUE(cost_nano_usd(prices(), usage(kMost / 3000, 0, 0, 0)));
}

}  // namespace
}  // namespace overtake
