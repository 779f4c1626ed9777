// Boost.Asio behind a small door: the only file that includes it, since its headers are slow to
// compile. Asio brings epoll and kqueue, timers, and a wake-up from other threads.
#include "net/event_loop.h"

// The thread sanitizer does not know fences; the queue's mutex orders what it needs to see.
#if defined(__SANITIZE_THREAD__)
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

namespace overtake {

namespace asio = boost::asio;

struct EventLoop::Impl {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  std::atomic<std::thread::id> thread{};
  std::mutex mutex;  // orders post() against close()
  bool closed = false;
};

namespace {

class AsioWatch : public EventLoop::Watch {
 public:
  // Keeps the loop's innards alive: a descriptor must not outlive them.
  AsioWatch(std::shared_ptr<void> owner, asio::io_context& io, int fd)
      : owner_(std::move(owner)), descriptor_(io, fd) {}

  int fd() const override {
    return const_cast<asio::posix::stream_descriptor&>(descriptor_).native_handle();
  }
  void wait_readable(std::function<void()> ready) override {
    wait(asio::posix::descriptor_base::wait_read, std::move(ready));
  }
  void wait_writable(std::function<void()> ready) override {
    wait(asio::posix::descriptor_base::wait_write, std::move(ready));
  }

 private:
  void wait(asio::posix::descriptor_base::wait_type type, std::function<void()> ready) {
    // A wait that has ended but was not yet delivered can not be taken back, hence the token.
    descriptor_.async_wait(type, [ready = std::move(ready), alive = std::weak_ptr<int>(alive_)](
                                     const boost::system::error_code& error) {
      if (!error && !alive.expired()) ready();
    });
  }

  std::shared_ptr<void> owner_;
  asio::posix::stream_descriptor descriptor_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace

EventLoop::EventLoop() : impl_(std::make_shared<Impl>()) {}

EventLoop::~EventLoop() = default;

void EventLoop::run() {
  impl_->thread = std::this_thread::get_id();
  impl_->io.run();
  impl_->thread = std::thread::id();
}

void EventLoop::stop() { impl_->io.stop(); }

bool EventLoop::on_loop_thread() const {
  return impl_->thread.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void EventLoop::close() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closed = true;
  }
  impl_->thread = std::this_thread::get_id();
  impl_->io.restart();
  impl_->io.poll();
  impl_->thread = std::thread::id();
}

void EventLoop::post(std::function<void()> task) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->closed) asio::post(impl_->io, std::move(task));
}

EventLoop::Poster EventLoop::poster() const {
  return [impl = std::weak_ptr<Impl>(impl_)](std::function<void()> task) {
    const auto alive = impl.lock();
    if (!alive) return;
    const std::lock_guard lock(alive->mutex);
    if (!alive->closed) asio::post(alive->io, std::move(task));
  };
}

void EventLoop::after(int delay_ms, std::function<void()> task) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->io, std::chrono::milliseconds(delay_ms));
  timer->async_wait([timer, task = std::move(task)](const boost::system::error_code& error) {
    if (!error) task();
  });
}

std::unique_ptr<EventLoop::Watch> EventLoop::watch(int fd) {
  return std::make_unique<AsioWatch>(impl_, impl_->io, fd);
}

}  // namespace overtake
