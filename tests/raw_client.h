// A client of bare sockets: tests send bytes that no proper client would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace overtake::testing {

inline int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Move-only; every wait has a limit of twenty seconds.
class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        buffer_(std::move(other.buffer_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // Ends the connection with a reset instead of an orderly end.
  void reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // Reads until `text` has come, and returns all up to and with it; "" at the end of the stream.
  std::string read_until(std::string_view text) {
    while (true) {
      if (const size_t at = buffer_.find(text); at != buffer_.npos) return take(at + text.size());
      if (!receive()) return {};
    }
  }
  std::string read_bytes(size_t n) {
    while (buffer_.size() < n && receive()) {
    }
    return take(std::min(n, buffer_.size()));
  }
  std::string read_to_end() {
    while (receive()) {
    }
    return take(buffer_.size());
  }
  // Whether the server ends the connection within `ms`; what it sends until then is dropped.
  bool ends_within(int ms) {
    const int64_t limit = now_ms() + ms;
    while (now_ms() < limit) {
      if (!receive(static_cast<int>(limit - now_ms())) && ended_) return true;
    }
    return false;
  }

  struct Response {
    int status = 0;
    std::string head;
    std::string body;
  };
  // One answer with Content-Length or chunks; status 0 if there was none.
  Response read_response(bool head_only = false) {
    Response response;
    response.head = read_until("\r\n\r\n");
    if (response.head.size() < 12) return response;
    response.status = std::atoi(response.head.c_str() + 9);
    if (head_only) return response;
    if (response.head.find("Transfer-Encoding: chunked") != std::string::npos) {
      while (true) {
        const size_t size = std::strtoul(read_until("\r\n").c_str(), nullptr, 16);
        response.body += read_bytes(size);
        if (read_bytes(2) != "\r\n" || size == 0) return response;
      }
    }
    const size_t at = response.head.find("Content-Length: ");
    if (at != std::string::npos) {
      response.body = read_bytes(std::strtoul(response.head.c_str() + at + 16, nullptr, 10));
    }
    return response;
  }
  Response ask(std::string_view bytes) {
    send(bytes);
    return read_response();
  }

 private:
  std::string take(size_t n) {
    std::string out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }
  bool receive(int limit_ms = 20'000) {
    pollfd poller{fd_, POLLIN, 0};
    if (poll(&poller, 1, limit_ms) <= 0) return false;
    char bytes[65536];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) ended_ = true;
    if (n > 0) buffer_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }

  int fd_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  std::string buffer_;
};

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace overtake::testing
