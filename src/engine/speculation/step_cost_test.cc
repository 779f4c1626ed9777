#include "engine/speculation/step_cost.h"

#include <gtest/gtest.h>

#include <random>

namespace overtake {
namespace {

TEST(StepCost, LearnsWhatRowsCostFromNoisyTimes) {
  std::mt19937 random(1);
  StepCost cost;
  for (int i = 0; i < 400; ++i) {
    const double noise = 0.97 + 0.06 * static_cast<double>(random() % 100) / 100;
    const double spoilt = i % 23 == 22 ? 3 : 1;  // another process took the processor
    const int64_t rows = i % 10 == 9 ? 4 : 1;
    cost.learn(rows, rows - 1, (rows == 4 ? 1700 : 1000) * noise * spoilt);
  }
  EXPECT_NEAR(cost.of(4), 1.7, 0.2);
  EXPECT_EQ(cost.of(1), 1);
}

// Steps behind one of many rows are slower: that is its doing.
TEST(StepCost, CountsWhatItDoesToTheStepsBehindIt) {
  StepCost cost;
  for (int i = 0; i < 20; ++i) cost.learn(1, 0, 1000);
  for (int i = 0; i < 60; ++i) {
    cost.learn(8, 7, 3000);
    for (int j = 0; j < 8; ++j) cost.learn(1, 0, j < 5 ? 1100 : 1000);
  }
  EXPECT_NEAR(cost.of(8), 3.5, 0.15);
}

TEST(StepCost, NumbersNeverSeenLieBetweenTheirNeighbours) {
  StepCost cost;
  for (int i = 0; i < 20; ++i) {
    cost.learn(1, 0, 1000);
    cost.learn(8, 0, 1400);
    cost.learn(16, 0, 6000);
  }
  double before = 1;
  for (int64_t n = 2; n <= StepCost::kMaxRows; ++n) {
    EXPECT_GE(cost.of(n), before) << n;
    before = cost.of(n);
  }
  EXPECT_LE(cost.of(7), 1.41);
}

TEST(StepCost, TimesThatAreNoneAreIgnored) {
  StepCost cost;
  cost.learn(0, 0, 100);
  cost.learn(1, 0, 0);
  cost.learn(StepCost::kMaxRows + 1, 0, 100);
  cost.learn(1, 0, 1000);
  cost.learn(2, 0, 1500);
  EXPECT_NEAR(cost.of(2), 1.5, 1e-9);
}

}  // namespace
}  // namespace overtake
