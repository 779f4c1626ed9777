// The one pool of compute threads: short parallel loops, started thousands of times a second.
#pragma once

#include <memory>

#include "base/function_ref.h"

namespace overtake {

// Runs loops of independent chunks on `n_threads` threads, the caller among them. Chunks are handed
// out one at a time, so a thread that the kernel has put aside delays one chunk and not a share.
// A worker that has waited a few tens of microseconds sleeps in the kernel: an idle pool burns
// nothing, and a caller that waits for a sleeping partner leaves it the core.
// One loop at a time: parallel_for is called from one thread at a time and does not nest.
class ThreadPool {
 public:
  // n_threads >= 1; 1 runs everything on the caller.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  int n_threads() const;

  // Calls body(chunk) for every chunk in [0, n_chunks), each once, in no order; returns when all
  // are done. What a chunk writes is visible to the caller afterwards. Never allocates.
  void parallel_for(int n_chunks, FunctionRef<void(int chunk)> body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// OVERTAKE_THREADS where it is set and sane, else the processors that this process may use.
int default_thread_count();

}  // namespace overtake
