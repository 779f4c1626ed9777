// Connection: one client's socket: reads requests, hands them on one at a time, writes answers,
// watches the clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/event_loop.h"
#include "net/http_server.h"
#include "net/request_parser.h"
#include "net/response_head.h"

namespace overtake {

class Connection;
class ServerExchange;

int64_t monotonic_us();

// What all connections of a server share. Everything but the loop belongs to the loop's thread.
struct ServerCore {
  EventLoop loop;
  HttpServerOptions options;
  HttpHandler handler;
  bool draining = false;
  uint64_t buffered_bytes = 0;  // of bodies of requests that are under way
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections;
  std::vector<char> read_buffer = std::vector<char>(64 << 10);
  std::function<void()> on_empty;  // the last connection has closed

  void forget(Connection* connection);
};

struct Peer {
  std::string address;
  bool is_loopback = false;
};

// Loop thread only, but for unsent_bytes(). Owned by ServerCore::connections until close(); an
// exchange keeps it in memory longer, where it does nothing.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerCore> core, int fd, Peer peer);

  void start();
  // Answers `status` in place of a request, then ends.
  void refuse(int status, const std::string& message);
  void check_deadlines(int64_t now_us);
  // Ends as soon as no answer is running.
  void drain();
  // Tells a running answer that its time is over.
  void stop_answer();
  void close();

  // ---- for ServerExchange, while its answer has not ended
  ServerCore& core() { return *core_; }
  void send_whole(int status, std::string_view content_type, std::string_view body,
                  std::string_view headers);
  void start_stream(int status, std::string_view content_type, std::string_view headers);
  void write_stream(std::string_view piece);
  void end_stream();
  void note(std::string words) { record_.note = std::move(words); }
  // Nobody holds the exchange of request `serial` any more: refuses it if it is still unanswered.
  void abandon(uint64_t serial);
  size_t unsent_bytes() const { return unsent_.load(std::memory_order_relaxed); }

 private:
  enum class State { kReading, kAnswering, kClosing, kLingering, kClosed };

  void arm_read();
  void on_readable();
  void peer_left();
  void process_input();
  void note_body_progress(size_t used);
  void forget_body();
  void handle_request();
  void begin_record(const std::string& id, const std::string& method, const std::string& path);
  void append_answer_head(ResponseHead head);
  void finish_answer();
  void end_exchange(bool client_left);
  void schedule_flush();
  void flush();
  void update_unsent();
  void linger();
  bool body_is_late(int64_t now_us) const;

  std::shared_ptr<ServerCore> core_;
  std::unique_ptr<EventLoop::Watch> watch_;
  Peer peer_;
  State state_ = State::kReading;
  RequestParser parser_;
  std::string input_;  // not yet parsed
  std::weak_ptr<ServerExchange> exchange_;
  uint64_t serial_ = 0;  // of the request that is being answered
  AccessRecord record_;  // likewise
  int64_t answer_since_us_ = 0;

  std::string output_;  // from output_sent_ on not yet taken by the kernel
  size_t output_sent_ = 0;
  std::string stream_data_;  // pieces that become one chunk at the next flush
  std::atomic<size_t> unsent_ = 0;

  bool reading_ = false;     // a wait for input is pending
  bool writing_ = false;     // a wait for room is pending
  bool processing_ = false;  // process_input is on the stack
  bool flush_scheduled_ = false;
  bool keep_alive_ = true;
  bool is_http_1_1_ = true;
  bool is_head_request_ = false;
  bool chunked_ = false;
  bool close_after_flush_ = false;
  bool had_request_ = false;

  int64_t since_us_ = 0;       // of the state: idle, or lingering
  int64_t head_since_us_ = 0;  // 0: no byte of a request has come
  int64_t body_since_us_ = 0;
  int64_t body_last_us_ = 0;
  uint64_t body_bytes_ = 0;
  int64_t write_progress_us_ = 0;
};

}  // namespace overtake
