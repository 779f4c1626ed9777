#include "parallel/thread_pool.h"

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <random>
#include <thread>

namespace overtake {
namespace {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) { return t.tv_sec + 1e-6 * t.tv_usec; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class ThreadPoolOfSize : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolOfSize, RunsEveryChunkOnceAndShowsItsWrites) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.n_threads(), GetParam());
  std::vector<int> count(1000);  // not atomic: the pool itself must order these accesses
  for (int n : {0, 1, 2, 3, 7, 64, 1000}) {
    std::fill(count.begin(), count.end(), 0);
    pool.parallel_for(n, [&](int chunk) { ++count[static_cast<size_t>(chunk)]; });
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(count[static_cast<size_t>(i)], i < n ? 1 : 0);
  }
}

TEST_P(ThreadPoolOfSize, SurvivesManyShortLoopsWithoutALostWakeUp) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> out(16);
  for (int loop = 0; loop < 20000; ++loop) {
    const int n = 1 + loop % 16;
    pool.parallel_for(n, [&](int chunk) { out[static_cast<size_t>(chunk)] = loop + chunk; });
    int64_t sum = 0;
    for (int i = 0; i < n; ++i) sum += out[static_cast<size_t>(i)];
    ASSERT_EQ(sum, int64_t{loop} * n + int64_t{n} * (n - 1) / 2);
  }
}

// Pauses around the spinning time, so that loops start while workers are about to sleep, and chunks
// long enough that the caller sleeps too.
TEST_P(ThreadPoolOfSize, SurvivesLoopsThatRaceWithThreadsGoingToSleep) {
  ThreadPool pool(GetParam());
  std::mt19937 random(7);
  for (int loop = 0; loop < 1500; ++loop) {
    std::atomic<int> sum{0};
    const int busy_us = static_cast<int>(random() % 3) * 80;
    pool.parallel_for(5, [&](int chunk) {
      if (chunk == 2 && busy_us > 0)
        std::this_thread::sleep_for(std::chrono::microseconds(busy_us));
      sum += chunk;
    });
    ASSERT_EQ(sum, 10);
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 130);
    while (std::chrono::steady_clock::now() < until) {
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolOfSize, testing::Values(1, 2, 3, 8));

TEST(ThreadPool, StartsAndStopsInAnyState) {
  for (int i = 0; i < 200; ++i) {
    ThreadPool pool(4);
    if (i % 3 == 0) pool.parallel_for(4, [](int) {});
    if (i % 5 == 0) std::this_thread::sleep_for(std::chrono::microseconds(150));
  }
}

TEST(ThreadPool, BurnsNothingWhenIdle) {
  ThreadPool pool(4);
  pool.parallel_for(8, [](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(cpu_seconds() - before, 0.02);
}

TEST(ThreadPool, OneThreadRunsOnTheCaller) {
  ThreadPool pool(1);
  const auto self = std::this_thread::get_id();
  pool.parallel_for(3, [&](int) { EXPECT_EQ(std::this_thread::get_id(), self); });
}

TEST(DefaultThreadCount, FollowsTheEnvironmentAndIgnoresNonsense) {
  const char* before = std::getenv("OVERTAKE_THREADS");
  const std::string saved = before ? before : "";
  unsetenv("OVERTAKE_THREADS");
  const int machine = default_thread_count();
  EXPECT_GE(machine, 1);
  setenv("OVERTAKE_THREADS", "3", 1);
  EXPECT_EQ(default_thread_count(), 3);
  for (const char* nonsense : {"0", "-2", "many", "3x", "99999999999", ""}) {
    setenv("OVERTAKE_THREADS", nonsense, 1);
    EXPECT_EQ(default_thread_count(), machine) << nonsense;
  }
  before ? setenv("OVERTAKE_THREADS", saved.c_str(), 1) : unsetenv("OVERTAKE_THREADS");
}

}  // namespace
}  // namespace overtake
