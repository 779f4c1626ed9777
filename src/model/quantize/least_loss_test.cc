#include "model/quantize/least_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

namespace overtake {
namespace {

using Items = std::vector<std::vector<SizedLoss>>;

// Of all combinations; negative if none fits.
double best_loss(const Items& items, uint64_t budget) {
  double best = -1;
  const std::function<void(size_t, uint64_t, double)> visit = [&](size_t i, uint64_t bytes,
                                                                  double loss) {
    if (bytes > budget) return;
    if (i == items.size()) {
      if (best < 0 || loss < best) best = loss;
      return;
    }
    for (const SizedLoss& choice : items[i]) visit(i + 1, bytes + choice.bytes, loss + choice.loss);
  };
  visit(0, 0, 0);
  return best;
}

struct Case {
  Items items;
  uint64_t budget = 0;
  double widest = 0;  // the largest difference of losses in one item
};

Case random_case(std::mt19937& random) {
  Case out{.items = Items(1 + random() % 5)};
  uint64_t low = 0;
  uint64_t high = 0;
  for (auto& choices : out.items) {
    for (size_t i = 0, n = 1 + random() % 5; i < n; ++i) {
      choices.push_back({32 * (1 + random() % 40), static_cast<double>(random() % 1000)});
    }
    const auto [small, large] = std::ranges::minmax(choices, {}, &SizedLoss::bytes);
    const auto [little, much] = std::ranges::minmax(choices, {}, &SizedLoss::loss);
    low += small.bytes;
    high += large.bytes;
    out.widest = std::max(out.widest, much.loss - little.loss);
  }
  out.budget = low - 32 + random() % (high - low + 64);
  return out;
}

TEST(LeastLoss, KeepsTheBudgetAndComesNearTheBestOfAllCombinations) {
  std::mt19937 random(1);
  int n_best = 0;
  int n_found = 0;
  for (int i = 0; i < 3000; ++i) {
    const Case test = random_case(random);
    const double best = best_loss(test.items, test.budget);
    const auto found = least_loss(test.items, test.budget);
    ASSERT_EQ(found.has_value(), best >= 0) << "case " << i;
    if (!found) continue;
    uint64_t bytes = 0;
    double loss = 0;
    for (size_t k = 0; k < test.items.size(); ++k) {
      bytes += test.items[k].at(found->chosen.at(k)).bytes;
      loss += test.items[k][found->chosen[k]].loss;
    }
    ASSERT_EQ(bytes, found->bytes);
    ASSERT_DOUBLE_EQ(loss, found->loss);
    ASSERT_LE(bytes, test.budget);
    ASSERT_GE(loss, best);
    // Everett's bound: at most one step of one item is missing.
    ASSERT_LE(loss, best + test.widest) << "case " << i;
    ++n_found;
    n_best += loss == best;
  }
  EXPECT_GT(n_best, n_found * 3 / 5);
}

TEST(LeastLoss, TakesTheLeastLossOfAllWhereEverythingFits) {
  const Items items = {{{100, 5}, {200, 1}, {300, 2}}, {{10, 3}, {20, 3}, {40, 0}}};
  const auto found = least_loss(items, 1000);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->chosen, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(found->bytes, 240u);
  EXPECT_FALSE(least_loss(items, 109));
  EXPECT_EQ(least_loss(items, 110)->chosen, (std::vector<size_t>{0, 0}));
}

}  // namespace
}  // namespace overtake
