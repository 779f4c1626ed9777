// SignalWatch: SIGINT and SIGTERM on a thread of their own, so that any code may run for them.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace overtake {

// Make it before any other thread is started: they inherit that these signals are blocked.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;

  // The first signal calls `first`, on the watch's thread; the second ends the process at once.
  void start(std::function<void()> first);

 private:
  std::thread thread_;
  std::atomic<bool> ending_ = false;
};

}  // namespace overtake
