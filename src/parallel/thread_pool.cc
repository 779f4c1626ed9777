#include "parallel/thread_pool.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/check.h"

namespace overtake {
namespace {

// How long a thread polls before it sleeps in the kernel. Longer than the serial code between two
// loops of a forward pass, far shorter than a scheduler's time slice.
constexpr std::chrono::microseconds kSpinTime{60};

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Polls `ready` for kSpinTime at most; whether it became true.
template <typename Ready>
bool spin_until(Ready ready) {
  if (ready()) return true;
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 8; ++i) {
      pause_briefly();
      if (ready()) return true;
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

uint32_t chunks_left(uint64_t ticket) { return static_cast<uint32_t>(ticket); }

}  // namespace

// A loop is published in `ticket`: the loop's number in the upper half, the chunks that nobody has
// taken yet in the lower. A chunk is taken by compare-and-swap, so a thread that slept through the
// end of a loop can neither take from it nor mistake the next one for it. `body` and `n_chunks` are
// read only by holders of a chunk; the loop cannot end, nor the next begin, before they are done.
struct ThreadPool::Impl {
  alignas(64) std::atomic<uint64_t> ticket{0};
  const FunctionRef<void(int)>* body = nullptr;
  uint32_t n_chunks = 0;

  alignas(64) std::atomic<uint32_t> unfinished{0};  // chunks not yet done; the caller sleeps on it
  std::atomic<bool> caller_sleeps{false};

  alignas(64) std::atomic<uint32_t> wake_count{0};  // the workers sleep on it
  std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};

  std::vector<std::thread> workers;

  // Does chunks until none is left, then reports them done all at once.
  void work() {
    uint32_t n_done = 0;
    uint64_t now = ticket.load(std::memory_order_acquire);
    while (chunks_left(now) > 0) {
      if (!ticket.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
        continue;
      }
      (*body)(static_cast<int>(n_chunks - chunks_left(now)));
      ++n_done;
      now = ticket.load(std::memory_order_acquire);
    }
    if (n_done == 0) return;
    // Sequentially consistent with wait_for_stragglers: either the caller sees zero, or we see that
    // it sleeps.
    if (unfinished.fetch_sub(n_done) == n_done && caller_sleeps.load()) futex_wake(unfinished, 1);
  }

  void wait_for_stragglers() {
    const auto finished = [this] { return unfinished.load(std::memory_order_acquire) == 0; };
    if (spin_until(finished)) return;
    caller_sleeps.store(true);
    for (uint32_t left = unfinished.load(); left != 0; left = unfinished.load()) {
      futex_wait(unfinished, left);
    }
    caller_sleeps.store(false);
  }

  void worker_main() {
    const auto called = [this] {
      return chunks_left(ticket.load(std::memory_order_acquire)) > 0 ||
             stop.load(std::memory_order_relaxed);
    };
    while (!stop.load(std::memory_order_relaxed)) {
      if (!spin_until(called)) sleep_until_called();
      work();
    }
  }

  // Sequentially consistent with wake_sleepers: either it sees this sleeper, or we see its loop.
  void sleep_until_called() {
    const uint32_t seen = wake_count.load();
    sleepers.fetch_add(1);
    if (chunks_left(ticket.load()) == 0 && !stop.load()) futex_wait(wake_count, seen);
    sleepers.fetch_sub(1);
  }

  void wake_sleepers(int count) {
    if (sleepers.load() == 0) return;
    wake_count.fetch_add(1);
    futex_wake(wake_count, count);
  }
};

ThreadPool::ThreadPool(int n_threads) : impl_(std::make_unique<Impl>()) {
  OVERTAKE_CHECK(n_threads >= 1);
  impl_->workers.reserve(static_cast<size_t>(n_threads - 1));
  for (int i = 1; i < n_threads; ++i) {
    impl_->workers.emplace_back([impl = impl_.get()] { impl->worker_main(); });
  }
}

ThreadPool::~ThreadPool() {
  impl_->stop.store(true);
  impl_->wake_sleepers(INT_MAX);
  for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::n_threads() const { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::parallel_for(int n_chunks, FunctionRef<void(int chunk)> body) {
  if (impl_->workers.empty() || n_chunks <= 1) {
    for (int chunk = 0; chunk < n_chunks; ++chunk) body(chunk);
    return;
  }
  Impl& impl = *impl_;
  impl.body = &body;
  impl.n_chunks = static_cast<uint32_t>(n_chunks);
  impl.unfinished.store(impl.n_chunks, std::memory_order_relaxed);
  const uint64_t loop = (impl.ticket.load(std::memory_order_relaxed) >> 32) + 1;
  impl.ticket.store(loop << 32 | impl.n_chunks);
  impl.wake_sleepers(std::min(n_chunks - 1, static_cast<int>(impl.workers.size())));
  impl.work();
  impl.wait_for_stragglers();
}

}  // namespace overtake
