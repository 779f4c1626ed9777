// ServerExchange: the HttpExchange of a connection; moves calls from any thread to the loop's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "net/connection.h"
#include "net/http_server.h"

namespace overtake {

class ServerExchange : public HttpExchange, public std::enable_shared_from_this<ServerExchange> {
 public:
  ServerExchange(std::shared_ptr<Connection> connection, HttpRequest request, uint64_t serial);
  // An exchange that nobody answered is answered with status 500.
  ~ServerExchange() override;

  const HttpRequest& request() const override { return request_; }
  void set_header(std::string_view name, std::string_view value) override;
  void send(int status, std::string_view content_type, std::string body) override;
  void start_stream(int status, std::string_view content_type) override;
  void write(std::string piece) override;
  void end_stream() override;
  size_t pending_bytes() const override;
  void on_drained(std::function<void()> drained) override;
  void on_gone(std::function<void()> gone) override;
  void on_stopping(std::function<void()> stopping) override;
  void note(std::string words) override;
  void post(std::function<void()> task) override;
  std::function<void(std::function<void()> task)> poster() const override;

  // ---- for the connection, on the loop
  void drained();
  void stopping();
  // The answer has ended, or the client has left: nothing is sent from here on, and what the
  // handler gave us is let go.
  void end(bool client_left);

 private:
  template <typename F>
  void on_loop(F&& task);
  void set_gone(std::function<void()> gone);

  std::shared_ptr<Connection> connection_;
  HttpRequest request_;
  uint64_t serial_;  // of the request on its connection
  std::atomic<size_t> posted_bytes_ = 0;
  // Loop thread only.
  bool ended_ = false;
  bool client_left_ = false;
  bool streaming_ = false;
  std::string headers_;
  std::function<void()> drained_;
  std::function<void()> gone_;
  std::function<void()> stopping_;
};

}  // namespace overtake
