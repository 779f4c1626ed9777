// A server for tests that does to a client what no proper server would: one thread a connection,
// and the test's function writes whatever bytes it likes, when it likes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace overtake::testing {

// Lets a client in this process reach this machine whatever proxy its environment names.
inline void forget_proxies() {
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                           "no_proxy", "NO_PROXY"}) {
    ::unsetenv(name);
  }
}

class ScriptedServer {
 public:
  // One request on one connection.
  struct Exchange {
    int fd;
    std::string head;  // "GET /path HTTP/1.1\r\n..." up to and with the empty line
    std::string body;
    const std::atomic<bool>& stopping;

    std::string path() const {
      const size_t begin = head.find(' ') + 1;
      return head.substr(begin, head.find(' ', begin) - begin);
    }
    std::string header(std::string_view name) const {
      const size_t at = head.find("\r\n" + std::string(name) + ": ");
      if (at == head.npos) return {};
      const size_t begin = at + name.size() + 4;
      return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    bool send(std::string_view bytes) const {
      while (!bytes.empty()) {
        const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
      }
      return true;
    }
    bool answer(int status, std::string_view headers, std::string_view body) const {
      return send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n") &&
             send(body);
    }
    void sleep_ms(int ms) const {
      for (; ms > 0 && !stopping; ms -= 10)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    void reset() const {
      const linger hard{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
  };
  // Returns whether the connection goes on.
  using Handler = std::function<bool(const Exchange&)>;

  explicit ScriptedServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& each : connections_) each.join();
    ::close(listener_);
  }

  uint16_t port() const { return port_; }
  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  int n_connections() const { return n_connections_; }
  std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  bool wait(int fd) const {
    while (!stopping_) {
      pollfd one{fd, POLLIN, 0};
      if (::poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }
  void accept_all() {
    while (wait(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++n_connections_;
      connections_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }
  void serve(int fd) {
    std::string input;
    for (;;) {
      size_t end;
      while ((end = input.find("\r\n\r\n")) == input.npos) {
        if (!receive(fd, input)) return;
      }
      Exchange exchange{fd, input.substr(0, end + 4), {}, stopping_};
      input.erase(0, end + 4);
      const std::string length = exchange.header("Content-Length");
      const size_t n_body = length.empty() ? 0 : std::stoul(length);
      while (input.size() < n_body) {
        if (!receive(fd, input)) return;
      }
      exchange.body = input.substr(0, n_body);
      input.erase(0, n_body);
      {
        const std::lock_guard lock(mutex_);
        heads_.push_back(exchange.head);
      }
      if (!handler_(exchange)) return;
    }
  }
  bool receive(int fd, std::string& input) const {
    char buffer[16384];
    if (!wait(fd)) return false;
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n > 0) input.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> n_connections_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> connections_;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
};

}  // namespace overtake::testing
