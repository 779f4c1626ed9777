#include "cli/signal_watch.h"

#include <pthread.h>
#include <signal.h>

#include <cstdlib>

namespace overtake {
namespace {

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

SignalWatch::SignalWatch() {
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalWatch::~SignalWatch() {
  ending_ = true;
  if (thread_.joinable()) {
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void SignalWatch::start(std::function<void()> first) {
  thread_ = std::thread([this, first = std::move(first)] {
    const sigset_t set = watched_signals();
    for (int count = 0;; ++count) {
      int signal = 0;
      sigwait(&set, &signal);
      if (ending_) return;
      if (count > 0) std::_Exit(128 + signal);
      first();
    }
  });
}

}  // namespace overtake
