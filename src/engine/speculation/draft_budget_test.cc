#include "engine/speculation/draft_budget.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

// Whoever spends all that may be spent loses less than 3 % of any 100 steps.
TEST(DraftBudget, LosesLittle) {
  DraftBudget budget;
  double spent = 0;
  for (int i = 0; i < 100; ++i) {
    budget.earn(1000);
    spent += budget.left();
    budget.add(-budget.left(), 1000);
  }
  EXPECT_GT(spent, 1500);
  EXPECT_LT(spent, 3000);
}

TEST(DraftBudget, WhatWasWonMayBeSpentWithinBounds) {
  DraftBudget budget;
  budget.earn(1000);
  for (int i = 0; i < 10; ++i) budget.add(500, 1000);
  EXPECT_GT(budget.left(), 5000);
  for (int i = 0; i < 1000; ++i) budget.add(500, 1000);
  EXPECT_LE(budget.left(), 64'000);
}

// A loss that was measured wrongly is no end.
TEST(DraftBudget, ComesBackFromAnyLoss) {
  DraftBudget budget;
  budget.earn(1000);
  budget.add(-1e9, 1000);
  EXPECT_LT(budget.left(), 0);
  for (int i = 0; i < 400; ++i) budget.earn(1000);
  EXPECT_GT(budget.left(), 0);
}

}  // namespace
}  // namespace overtake
