// Listens, accepts within the limit of connections, keeps their clocks, and stops in good order.
#include "net/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "net/connection.h"
#include "net/event_loop.h"

namespace overtake {
namespace {

// Connections above the limit that may hear "503" at the same time; more are closed unheard.
constexpr size_t kMaxRefusals = 256;
constexpr int kLastWordsMs = 1000;
constexpr int kAcceptPauseMs = 100;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> parse_address(std::string_view host, uint16_t port) {
  std::string text(host == "localhost" ? "127.0.0.1" : host);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
  } else {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("\"{}\" is not an address to listen on; --host; use 127.0.0.1, ::1 or "
                             "another address of this machine",
                             host)};
  }
  return address;
}

Peer describe_peer(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  Peer peer;
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    peer.is_loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  } else {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    peer.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
                       (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
  }
  peer.address = text;
  return peer;
}

Error listen_error(const HttpServerOptions& options, const char* what) {
  const int error = errno;
  if (error == EADDRINUSE) {
    return {ErrorCode::kUnavailable,
            fmt::format("port {} is taken; {}; stop the program that uses it, or choose another "
                        "port with --port",
                        options.port, options.host)};
  }
  return {ErrorCode::kIo, fmt::format("{}: {}; {} port {}; choose another with --host and --port",
                                      what, std::strerror(error), options.host, options.port)};
}

class AsyncHttpServer : public HttpServer {
 public:
  AsyncHttpServer(std::shared_ptr<ServerCore> core, int fd, uint16_t port)
      : core_(std::move(core)), listener_(core_->loop.watch(fd)), port_(port) {
    const HttpServerOptions& options = core_->options;
    const int shortest = std::min({options.header_timeout_ms, options.body_timeout_ms,
                                   options.idle_timeout_ms, options.write_timeout_ms});
    sweep_ms_ = std::clamp(shortest / 8, 10, 500);
  }
  ~AsyncHttpServer() override {
    core_->on_empty = {};
    close_all();
    listener_.reset();
    core_->loop.close();
  }

  uint16_t port() const override { return port_; }
  void run() override {
    arm_accept();
    core_->loop.run();
  }
  void stop(int drain_ms) override {
    core_->loop.post([this, drain_ms] { begin_stop(drain_ms); });
  }

 private:
  void arm_accept() {
    if (listener_) listener_->wait_readable([this] { accept_some(); });
  }

  void accept_some() {
    for (int i = 0; i < 64; ++i) {
      sockaddr_storage storage;
      socklen_t size = sizeof storage;
      const int fd = accept4(listener_->fd(), reinterpret_cast<sockaddr*>(&storage), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        add_connection(fd, describe_peer(storage));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) break;
      // Out of descriptors or memory: those waiting stay in the queue until some are free.
      return core_->loop.after(kAcceptPauseMs, [this] { arm_accept(); });
    }
    arm_accept();
  }

  void add_connection(int fd, Peer peer) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const size_t count = core_->connections.size();
    if (count >= core_->options.max_connections + kMaxRefusals) {
      ::close(fd);
      return;
    }
    auto connection = std::make_shared<Connection>(core_, fd, std::move(peer));
    core_->connections.emplace(connection.get(), connection);
    if (!sweeping_) sweep_later();
    if (count >= core_->options.max_connections) {
      return connection->refuse(503, "too many connections; this server; try again later");
    }
    connection->start();
  }

  void sweep_later() {
    sweeping_ = true;
    core_->loop.after(sweep_ms_, [this] {
      sweeping_ = false;
      const int64_t now_us = monotonic_us();
      for (const auto& connection : connections()) connection->check_deadlines(now_us);
      if (!core_->connections.empty()) sweep_later();  // an idle server sleeps
    });
  }

  // A copy: connections leave the table as they close.
  std::vector<std::shared_ptr<Connection>> connections() const {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(core_->connections.size());
    for (const auto& [key, connection] : core_->connections) all.push_back(connection);
    return all;
  }

  void close_all() {
    for (const auto& connection : connections()) connection->close();
  }

  void begin_stop(int drain_ms) {
    if (core_->draining) return;
    core_->draining = true;
    listener_.reset();
    for (const auto& connection : connections()) connection->drain();
    if (core_->connections.empty()) return core_->loop.stop();
    core_->on_empty = [this] { core_->loop.stop(); };
    core_->loop.after(drain_ms, [this] {
      for (const auto& connection : connections()) connection->stop_answer();
      core_->loop.after(kLastWordsMs, [this] {
        close_all();
        core_->loop.stop();
      });
    });
  }

  std::shared_ptr<ServerCore> core_;
  std::unique_ptr<EventLoop::Watch> listener_;
  uint16_t port_;
  int sweep_ms_;
  bool sweeping_ = false;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpServerOptions& options,
                                                       HttpHandler handler) {
  Address address = TRY(parse_address(options.host, options.port));
  auto* generic = reinterpret_cast<sockaddr*>(&address.storage);
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return listen_error(options, "cannot make a socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, generic, address.size) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
      getsockname(fd, generic, &address.size) != 0) {
    const Error error = listen_error(options, "cannot listen");
    ::close(fd);
    return error;
  }
  const uint16_t port = address.storage.ss_family == AF_INET
                            ? reinterpret_cast<sockaddr_in*>(generic)->sin_port
                            : reinterpret_cast<sockaddr_in6*>(generic)->sin6_port;
  auto core = std::make_shared<ServerCore>();
  core->options = options;
  core->handler = std::move(handler);
  return std::unique_ptr<HttpServer>(
      std::make_unique<AsyncHttpServer>(std::move(core), fd, ntohs(port)));
}

}  // namespace overtake
