// Spreading independent tasks over the pool, with a number of the worker for its scratch memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "parallel/thread_pool.h"

namespace overtake {

// Below this many microseconds-ish units of work (about 16 K simple operations) waking a partner
// costs more than it saves.
constexpr int64_t kWorthSharing = 16384;

// body(worker, task) for every task in [0, n_tasks), started in ascending order, each worker one
// task at a time; worker < pool.n_threads(). On the caller alone where `work`, the operations of
// all tasks together, is small.
template <typename Body>
void spread(ThreadPool& pool, int64_t n_tasks, int64_t work, const Body& body) {
  const int64_t n_workers = std::min<int64_t>(pool.n_threads(), n_tasks);
  if (n_workers <= 1 || work < kWorthSharing) {
    for (int64_t task = 0; task < n_tasks; ++task) body(0, task);
    return;
  }
  std::atomic<int64_t> next = 0;
  const auto work_through = [&](int worker) {
    for (;;) {
      const int64_t task = next.fetch_add(1, std::memory_order_relaxed);
      if (task >= n_tasks) return;
      body(worker, task);
    }
  };
  pool.parallel_for(static_cast<int>(n_workers), work_through);
}

// body(first, last) over [0, n) in pieces of `piece`; `work` as above.
template <typename Body>
void spread_range(ThreadPool& pool, int64_t n, int64_t piece, int64_t work, const Body& body) {
  spread(pool, (n + piece - 1) / piece, work,
         [&](int worker, int64_t task) { body(task * piece, std::min(n, (task + 1) * piece)); });
}

// body(task) for every task in [0, n_tasks). Each worker begins with a run of tasks of its own, in
// ascending order, and then helps others with theirs: for tasks that read one piece of memory after
// another.
template <typename Body>
void spread_runs(ThreadPool& pool, int64_t n_tasks, const Body& body) {
  constexpr int64_t kMaxRuns = 64;
  struct alignas(64) Run {
    std::atomic<int64_t> next;
    int64_t end;
  };
  const int64_t n_runs = std::min({int64_t{pool.n_threads()}, n_tasks, kMaxRuns});
  if (n_runs <= 1) {
    for (int64_t task = 0; task < n_tasks; ++task) body(task);
    return;
  }
  Run runs[kMaxRuns];
  for (int64_t i = 0; i < n_runs; ++i) {
    runs[i].next.store(n_tasks * i / n_runs, std::memory_order_relaxed);
    runs[i].end = n_tasks * (i + 1) / n_runs;
  }
  const auto work_through = [&](int worker) {
    for (int64_t i = 0; i < n_runs; ++i) {
      Run& run = runs[(worker + i) % n_runs];
      for (;;) {
        const int64_t task = run.next.fetch_add(1, std::memory_order_relaxed);
        if (task >= run.end) break;
        body(task);
      }
    }
  };
  pool.parallel_for(static_cast<int>(n_runs), work_through);
}

}  // namespace overtake
