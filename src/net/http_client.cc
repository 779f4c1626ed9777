#include "net/http_client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "net/http_transfer.h"

namespace overtake {
namespace {

constexpr int kTickMs = 50;  // how exactly the timeouts of silence are kept

}  // namespace

struct HttpClient::Impl : std::enable_shared_from_this<HttpClient::Impl> {
  // What libcurl waits for on one of its sockets. The watch owns a duplicate: libcurl closes its
  // own, after it has told us to stop waiting.
  struct Socket {
    std::unique_ptr<EventLoop::Watch> watch;
    int wanted = 0;  // CURL_POLL_*
    bool reading = false;
    bool writing = false;
  };

  EventLoop& loop;
  CURLM* multi = nullptr;
  bool public_only = false;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets;
  std::map<HttpTransfer*, std::shared_ptr<HttpTransfer>> transfers;
  int64_t deadline_ms = -1;    // when libcurl wants to be called; -1: not at all
  int64_t next_timer_ms = -1;  // when our earliest timer fires
  bool ticking = false;
  int64_t tick_due_ms = 0;
  bool in_curl = false;  // libcurl is on the stack: it must not be entered again
  bool closed = false;

  explicit Impl(EventLoop& loop) : loop(loop) {}
  ~Impl() {
    if (multi) curl_multi_cleanup(multi);
  }

  void close() {
    closed = true;
    auto all = std::exchange(transfers, {});
    for (auto& [key, transfer] : all) {
      transfer->ended = true;
      transfer->events = {};
      if (transfer->added) curl_multi_remove_handle(multi, transfer->easy);
    }
    all.clear();
    sockets.clear();
  }

  // ---- what libcurl asks for

  static int on_socket(CURL*, curl_socket_t fd, int what, void* user, void*) {
    auto& self = *static_cast<Impl*>(user);
    if (what == CURL_POLL_REMOVE) {
      self.sockets.erase(fd);
      return 0;
    }
    std::shared_ptr<Socket>& socket = self.sockets[fd];
    if (!socket) {
      const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (copy < 0) {
        self.sockets.erase(fd);
        return -1;
      }
      socket = std::make_shared<Socket>();
      socket->watch = self.loop.watch(copy);
    }
    socket->wanted = what;
    self.arm(fd, socket);
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto& self = *static_cast<Impl*>(user);
    self.deadline_ms = timeout_ms < 0 ? -1 : monotonic_ms() + timeout_ms;
    if (timeout_ms >= 0) self.arm_timer();
    return 0;
  }

  void arm(curl_socket_t fd, const std::shared_ptr<Socket>& socket) {
    const auto ready = [this, fd, self = weak_from_this(), weak = std::weak_ptr(socket)](
                           bool Socket::* waiting, int bit) {
      return [this, fd, self, weak, waiting, bit] {
        const auto alive = self.lock();
        const auto socket = weak.lock();
        if (!alive || !socket) return;
        (*socket).*waiting = false;
        act(fd, bit);
        if (sockets.contains(fd) && sockets[fd] == socket) arm(fd, socket);
      };
    };
    if ((socket->wanted & CURL_POLL_IN) && !std::exchange(socket->reading, true)) {
      socket->watch->wait_readable(ready(&Socket::reading, CURL_CSELECT_IN));
    }
    if ((socket->wanted & CURL_POLL_OUT) && !std::exchange(socket->writing, true)) {
      socket->watch->wait_writable(ready(&Socket::writing, CURL_CSELECT_OUT));
    }
  }

  // Timers of the loop can not be taken back, so a new one is started only where it is earlier than
  // those that run; one that comes too early waits for the rest.
  void arm_timer() {
    if (deadline_ms < 0 || (next_timer_ms >= 0 && next_timer_ms <= deadline_ms)) return;
    next_timer_ms = deadline_ms;
    const int64_t delay = std::clamp<int64_t>(deadline_ms - monotonic_ms(), 0, 1 << 30);
    loop.after(static_cast<int>(delay), [self = weak_from_this(), at = deadline_ms] {
      const auto alive = self.lock();
      if (!alive || alive->closed || alive->next_timer_ms != at) return;
      alive->next_timer_ms = -1;
      if (alive->deadline_ms >= 0 && alive->deadline_ms <= monotonic_ms()) {
        alive->deadline_ms = -1;
        alive->act(CURL_SOCKET_TIMEOUT, 0);
      }
      alive->arm_timer();
    });
  }

  void act(curl_socket_t fd, int bits) {
    if (closed) return;
    int n_running = 0;
    in_curl = true;
    curl_multi_socket_action(multi, fd, bits, &n_running);
    in_curl = false;
    collect();
  }

  // ---- requests

  void add(const std::shared_ptr<HttpTransfer>& transfer) {
    if (transfer->ended || closed) return;
    transfer->active_ms = monotonic_ms();
    if (curl_multi_add_handle(multi, transfer->easy) != CURLM_OK) {
      transfer->fail(ErrorCode::kInternal, "libcurl took no request; HTTP client; report this");
      finish(transfer.get(), CURLE_FAILED_INIT);
      return;
    }
    transfer->added = true;
    tick();
  }

  // Hands out what has ended.
  void collect() {
    int n_left = 0;
    while (!closed) {
      const CURLMsg* message = curl_multi_info_read(multi, &n_left);
      if (!message) return;
      if (message->msg != CURLMSG_DONE) continue;
      HttpTransfer* transfer = nullptr;
      const CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      finish(transfer, code);
    }
  }

  void finish(HttpTransfer* key, CURLcode code) {
    const auto found = transfers.find(key);
    if (found == transfers.end()) return;
    const std::shared_ptr<HttpTransfer> transfer = std::move(found->second);
    transfers.erase(found);
    if (transfer->added) curl_multi_remove_handle(multi, transfer->easy);
    transfer->added = false;
    // Whoever holds the call may hang on what these hold: a circle, ended here.
    const HttpClientEvents events = std::exchange(transfer->events, {});
    const auto& done = events.done;
    if (std::exchange(transfer->ended, true) || !done) return;
    done(transfer->outcome(code));
  }

  void cancel(const std::shared_ptr<HttpTransfer>& transfer) {
    if (std::exchange(transfer->ended, true)) return;
    if (closed) return;
    if (in_curl) {
      loop.post([self = weak_from_this(), transfer] {
        if (const auto alive = self.lock(); alive && !alive->closed) {
          alive->finish(transfer.get(), CURLE_OK);
        }
      });
    } else {
      finish(transfer.get(), CURLE_OK);
    }
  }

  // Looks for requests whose peer has been silent for too long, while there are any.
  void tick() {
    if (ticking || transfers.empty() || closed) return;
    ticking = true;
    tick_due_ms = monotonic_ms() + kTickMs;
    loop.after(kTickMs, [self = weak_from_this()] {
      const auto alive = self.lock();
      if (!alive) return;
      alive->ticking = false;
      alive->find_silent();
      alive->tick();
    });
  }

  void find_silent() {
    const int64_t now = monotonic_ms();
    // While the loop did something else, peers could not be heard: that is not their silence.
    const int64_t deaf_ms = std::max<int64_t>(0, now - tick_due_ms - kTickMs);
    std::vector<HttpTransfer*> silent;
    for (const auto& [key, t] : transfers) {
      if (!t->added || t->paused || t->ended) continue;
      t->active_ms = std::min(now, t->active_ms + deaf_ms);
      const int limit =
          t->head_done ? t->request.silence_timeout_ms : t->request.first_byte_timeout_ms;
      if (now - t->active_ms <= limit) continue;
      t->fail(ErrorCode::kDeadline,
              fmt::format("no byte for {} s; {}; the server stalls: try again", limit / 1000.0,
                          t->url.origin()));
      silent.push_back(key);
    }
    for (HttpTransfer* key : silent) finish(key, CURLE_OPERATION_TIMEDOUT);
  }
};

namespace {

class CallHandle : public HttpCall {
 public:
  CallHandle(std::function<void()> cancel, std::function<void(bool)> set_paused)
      : cancel_(std::move(cancel)), set_paused_(std::move(set_paused)) {}
  ~CallHandle() override { cancel_(); }
  void pause() override { set_paused_(true); }
  void resume() override { set_paused_(false); }

 private:
  std::function<void()> cancel_;
  std::function<void(bool)> set_paused_;
};

}  // namespace

HttpClient::HttpClient(EventLoop& loop, HttpClientOptions options) {
  static std::once_flag once;
  std::call_once(once, [] {
    OVERTAKE_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that peers have closed
  });
  impl_ = std::make_shared<Impl>(loop);
  impl_->public_only = options.public_addresses_only;
  CURLM* multi = impl_->multi = curl_multi_init();
  OVERTAKE_CHECK(multi != nullptr);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, Impl::on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, impl_.get());
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, Impl::on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, impl_.get());
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_idle_connections));
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(options.max_connections_per_host));
}

HttpClient::~HttpClient() { impl_->close(); }

std::unique_ptr<HttpCall> HttpClient::start(HttpClientRequest request, HttpClientEvents events) {
  request.public_addresses_only |= impl_->public_only;
  const auto transfer = HttpTransfer::make(std::move(request), std::move(events));
  if (impl_->public_only && transfer->easy) {
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 0L);
  }
  impl_->transfers[transfer.get()] = transfer;
  impl_->loop.post([weak = std::weak_ptr(impl_), transfer] {
    const auto impl = weak.lock();
    if (!impl || impl->closed) return;
    transfer->failure ? impl->finish(transfer.get(), CURLE_FAILED_INIT) : impl->add(transfer);
  });
  const std::weak_ptr<Impl> weak = impl_;
  return std::make_unique<CallHandle>(
      [weak, transfer] {
        if (const auto impl = weak.lock()) impl->cancel(transfer);
      },
      [weak, transfer](bool paused) {
        const auto impl = weak.lock();
        if (!impl || transfer->ended || transfer->paused == paused) return;
        transfer->paused = paused;
        transfer->active_ms = monotonic_ms();
        // libcurl notices a pause at the next piece; the end of one it must be told.
        if (paused || !transfer->added) return;
        impl->loop.post([weak, transfer] {
          const auto impl = weak.lock();
          if (!impl || impl->closed || transfer->ended || !transfer->added) return;
          impl->in_curl = true;
          curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
          impl->in_curl = false;
          impl->act(CURL_SOCKET_TIMEOUT, 0);
        });
      });
}

}  // namespace overtake