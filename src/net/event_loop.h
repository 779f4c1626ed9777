// EventLoop: one thread that waits for sockets, timers and work from other threads.
#pragma once

#include <functional>
#include <memory>

namespace overtake {

// post(), stop() and on_loop_thread() may be called from any thread, all else from the loop's own
// thread (or before run()). Nothing here blocks but run().
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;

  // Runs tasks on the calling thread until stop().
  void run();
  void stop();
  // After run(): runs what was posted before, drops what is posted from now on, so that tasks that
  // hold the loop's owner can not keep both alive.
  void close();
  bool on_loop_thread() const;

  void post(std::function<void()> task);
  // post() for those who may outlive the loop: it does nothing then.
  using Poster = std::function<void(std::function<void()> task)>;
  Poster poster() const;
  // Runs `task` once, `delay_ms` from now, unless the loop has stopped by then.
  void after(int delay_ms, std::function<void()> task);

  // Readiness of one non-blocking descriptor, which it owns and closes. Each wait is for one
  // event; destroying the watch drops pending waits without calling them.
  class Watch {
   public:
    virtual ~Watch() = default;
    virtual int fd() const = 0;
    virtual void wait_readable(std::function<void()> ready) = 0;
    virtual void wait_writable(std::function<void()> ready) = 0;
  };
  std::unique_ptr<Watch> watch(int fd);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace overtake
