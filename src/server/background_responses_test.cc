#include "server/background_responses.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

// `n` events, the first of them named `first`.
std::string events(int first, int n, size_t bytes = 0) {
  std::string out;
  for (int i = first; i < first + n; ++i) {
    out += "data: " + std::to_string(i) + std::string(bytes, '.') + "\n\n";
  }
  return out;
}

// Ends as a run does that is told to.
std::shared_ptr<BackgroundResponse> add(BackgroundResponses& all, const std::string& tenant,
                                        const std::string& id) {
  const auto response = all.add(tenant, id, "[]");
  response->cancel = [&all, response] { all.end(response); };
  return response;
}

TEST(BackgroundResponses, KeepsEventsByTheirNumbers) {
  BackgroundResponses all;
  const auto one = add(all, "", "a");
  EXPECT_EQ(all.find("", "a"), one);
  int woken = 0;
  one->watchers[&woken] = [&] { ++woken; };
  all.append(*one, events(0, 2));
  all.append(*one, events(2, 1));
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(one->end_event(), 3);
  EXPECT_EQ(one->events[2], "data: 2\n\n");
  all.set_state(*one, "completed", "{}");
  all.end(one);
  EXPECT_EQ(woken, 3);
  EXPECT_TRUE(one->ended && !one->cancel);
  EXPECT_EQ(all.find("", "a")->body, "{}");
}

TEST(BackgroundResponses, NoTenantReachesAnothers) {
  BackgroundResponses all;
  add(all, "one", "a");
  EXPECT_FALSE(all.find("two", "a") || all.erase("two", "a"));
  EXPECT_TRUE(all.find("one", "a"));
}

TEST(BackgroundResponses, ErasingCancelsAndTellsWhoeverFollows) {
  BackgroundResponses all;
  const auto one = add(all, "", "a");
  all.append(*one, events(0, 3));
  int woken = 0;
  one->watchers[&woken] = [&] { ++woken; };
  EXPECT_TRUE(all.erase("", "a"));
  EXPECT_FALSE(all.erase("", "a"));
  EXPECT_TRUE(one->ended && one->events.empty());
  EXPECT_EQ(one->first_event, 3);
  EXPECT_GE(woken, 1);
}

TEST(BackgroundResponses, OneThatIsErasedMayHaveToGoAsItEnds) {
  BackgroundResponses none({.max_ended = 0});
  const auto one = add(none, "", "a");
  EXPECT_TRUE(none.erase("", "a"));
  EXPECT_TRUE(one->ended && !none.find("", "a"));
}

TEST(BackgroundResponses, AtMostSoManyRun) {
  BackgroundResponses all({.max_running = 2});
  const auto one = add(all, "", "a");
  EXPECT_TRUE(all.has_room());
  add(all, "", "b");
  EXPECT_FALSE(all.has_room());
  all.end(one);
  EXPECT_TRUE(all.has_room());
  BackgroundResponses small({.max_bytes = 10'000});
  const auto large = small.add("", "a", std::string(6'000, ' '));
  EXPECT_FALSE(small.has_room());
  small.end(large);
  EXPECT_TRUE(small.has_room());
}

TEST(BackgroundResponses, ThoseThatEndedFirstGoFirstThenTheOldestEvents) {
  BackgroundResponses few({.max_ended = 1});
  few.end(add(few, "", "a"));
  few.end(add(few, "", "b"));
  EXPECT_TRUE(!few.find("", "a") && few.find("", "b"));

  BackgroundResponses small({.max_bytes = 10'000});
  const auto old = add(small, "", "old");
  small.append(*old, events(0, 1, 3'000));
  small.end(old);
  const auto running = add(small, "", "running");
  const auto other = add(small, "", "other");
  small.append(*other, events(0, 1, 3'000));
  for (int i = 0; i < 100; ++i) small.append(*running, events(i, 1, 1'000));
  EXPECT_FALSE(small.find("", "old"));
  EXPECT_EQ(other->end_event() - other->first_event, 1);
  EXPECT_EQ(running->end_event(), 100);
  EXPECT_EQ(running->events.size(), 6u);
  EXPECT_EQ(running->events.back(), events(99, 1, 1'000));
  // What was let go is room again.
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(small.erase("", i == 0 ? "other" : "more"));
    small.append(*add(small, "", "more"), events(0, 1, 3'000));
    EXPECT_EQ(small.find("", "more")->events.size(), 1u);
  }
}

}  // namespace
}  // namespace overtake
