#include "engine/speculation/draft_planner.h"

#include <gtest/gtest.h>

#include <random>

namespace overtake {
namespace {

using Ids = std::vector<int32_t>;

// A planner that knows what steps cost: `us` of n rows.
template <typename Cost>
void teach(DraftPlanner& planner, Cost us) {
  for (int i = 0; i < 20; ++i) {
    for (int64_t n = 1; n <= StepCost::kMaxRows; ++n) planner.cost().learn(n, 0, us(n));
  }
}
double arithmetic(int64_t n) { return 1000.0 * static_cast<double>(n); }
double bandwidth(int64_t n) { return 1000.0 + static_cast<double>(n); }

// An answer that goes round and round, and one that is all new.
Drafter repeating(DraftPlanner& planner) {
  Drafter out(Ids{1, 2, 3, 4, 5, 1, 2}, {});
  out.share(planner.rates());
  for (int i = 0; i < 60; ++i) out.push(1 + (i + 2) % 5);
  return out;
}
Drafter unheard(DraftPlanner& planner) {
  Drafter out(Ids{1}, {});
  out.share(planner.rates());
  for (int32_t i = 2; i < 60; ++i) out.push(i);
  return out;
}

TEST(DraftPlanner, TriesLongDraftsWhereTheyHoldAndRowsAreCheap) {
  DraftPlanner planner;
  teach(planner, bandwidth);
  Drafter drafter = repeating(planner);
  const DraftPlanner::Answer answer{&drafter, 100};
  planner.plan({&answer, 1});
  EXPECT_GT(drafter.draft().size(), 8u);
  EXPECT_EQ(drafter.draft()[0], 3);
}

TEST(DraftPlanner, TriesNothingWhereARowCostsAsMuchAsAStep) {
  DraftPlanner planner;
  teach(planner, arithmetic);
  Drafter drafter = repeating(planner);
  const DraftPlanner::Answer answer{&drafter, 100};
  planner.plan({&answer, 1});
  EXPECT_TRUE(drafter.draft().empty());
}

TEST(DraftPlanner, GuessesThatFailAreTriedNoMore) {
  DraftPlanner planner;
  teach(planner, [](int64_t n) { return 800.0 + 200.0 * static_cast<double>(n); });
  // Two words always stand together, what follows is chance.
  std::mt19937 random(3);
  Drafter drafter(Ids{1, 2}, {});
  drafter.share(planner.rates());
  int tried = 0;
  for (int i = 0; i < 300; ++i) {
    for (const int32_t id : {1, 2, static_cast<int32_t>(10 + random() % 1000)}) {
      const DraftPlanner::Answer answer{&drafter, 100};
      planner.plan({&answer, 1});
      if (id >= 10 && i >= 50) tried += static_cast<int>(drafter.draft().size());
      drafter.push(id);
    }
  }
  EXPECT_LE(tried, 5);
}

TEST(DraftPlanner, DoesNotSlowAnAnswerThatGainsNothing) {
  DraftPlanner planner;
  teach(planner, [](int64_t n) { return 800.0 + 200.0 * static_cast<double>(n); });
  Drafter first = repeating(planner), second = repeating(planner), idle = unheard(planner);
  const DraftPlanner::Answer both[] = {{&first, 100}, {&second, 100}};
  planner.plan(both);
  EXPECT_FALSE(first.draft().empty());
  EXPECT_FALSE(second.draft().empty());
  const DraftPlanner::Answer unlike[] = {{&first, 100}, {&idle, 100}};
  planner.plan(unlike);
  EXPECT_TRUE(first.draft().empty());
  EXPECT_TRUE(idle.draft().empty());
}

TEST(DraftPlanner, DraftsStayWithinWhatAnAnswerMayHaveAndAStepMayHold) {
  DraftPlanner planner;
  teach(planner, bandwidth);
  std::vector<Drafter> drafters;
  for (int i = 0; i < 100; ++i) drafters.push_back(repeating(planner));
  for (const size_t n : {1u, 2u, 40u, 64u, 100u}) {
    std::vector<DraftPlanner::Answer> answers;
    for (size_t i = 0; i < n; ++i) answers.push_back({&drafters[i], static_cast<int64_t>(i % 4)});
    planner.plan(answers);
    size_t rows = n;
    for (size_t i = 0; i < n; ++i) {
      EXPECT_LE(drafters[i].draft().size(), i % 4);
      rows += drafters[i].draft().size();
    }
    EXPECT_LE(rows, std::max<size_t>(n, StepCost::kMaxRows));
  }
}

}  // namespace
}  // namespace overtake
