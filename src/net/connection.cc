#include "net/connection.h"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/uuid.h"
#include "net/server_exchange.h"

namespace overtake {
namespace {

// Above this much unsent output no further pipelined request is taken up.
constexpr size_t kOutputHighWater = 256 << 10;
// This much is read ahead of what can be parsed now (at least two heads).
constexpr size_t kMaxReadAhead = 64 << 10;
// Buffers above this size are given back when they are empty: idle connections cost little.
constexpr size_t kKeepCapacity = 4 << 10;
// How long a connection that we end is read on, so that the client sees our last words and not a
// reset (RFC 9112 section 9.6).
constexpr int64_t kLingerUs = 1'000'000;

int64_t ms_to_us(int ms) { return int64_t{ms} * 1000; }

void release_if_large(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeepCapacity) buffer.shrink_to_fit();
}

}  // namespace

int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void ServerCore::forget(Connection* connection) {
  connections.erase(connection);
  if (connections.empty() && on_empty) on_empty();
}

Connection::Connection(std::shared_ptr<ServerCore> core, int fd, Peer peer)
    : core_(std::move(core)),
      watch_(core_->loop.watch(fd)),
      peer_(std::move(peer)),
      parser_({core_->options.max_header_bytes, 100, core_->options.max_body_bytes}),
      since_us_(monotonic_us()) {}

void Connection::start() { arm_read(); }

// ---- reading ------------------------------------------------------------------------------------

void Connection::arm_read() {
  if (reading_ || state_ == State::kClosed || state_ == State::kClosing) return;
  if (input_.size() >= std::max(kMaxReadAhead, 2 * core_->options.max_header_bytes)) return;
  reading_ = true;
  watch_->wait_readable([self = shared_from_this()] {
    self->reading_ = false;
    self->on_readable();
  });
}

void Connection::on_readable() {
  std::vector<char>& buffer = core_->read_buffer;
  const ssize_t n = recv(watch_->fd(), buffer.data(), buffer.size(), 0);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return peer_left();
  if (n > 0 && state_ != State::kLingering) {
    input_.append(buffer.data(), static_cast<size_t>(n));
    process_input();
  }
  arm_read();
}

void Connection::peer_left() {
  // An answer that is complete may still be on its way to a client that closed only its half.
  if (state_ == State::kReading && output_sent_ < output_.size()) {
    close_after_flush_ = true;
    state_ = State::kClosing;
    return;
  }
  close();
}

void Connection::process_input() {
  if (processing_) return;
  processing_ = true;
  while (state_ == State::kReading && !input_.empty() && output_.size() < kOutputHighWater) {
    if (head_since_us_ == 0) head_since_us_ = monotonic_us();
    const size_t used = parser_.feed(input_);
    input_.erase(0, used);
    if (parser_.state() == RequestParser::State::kBody) note_body_progress(used);
    if (parser_.state() == RequestParser::State::kFailed) {
      refuse(parser_.error_status(), parser_.error_message());
    } else if (core_->buffered_bytes > core_->options.max_buffered_bytes && body_bytes_ > 0) {
      refuse(503, "too many large requests at once; this server; try again later");
    } else if (parser_.state() == RequestParser::State::kDone) {
      handle_request();
    } else {
      break;
    }
  }
  processing_ = false;
  if (input_.empty()) release_if_large(input_);
  if (state_ != State::kClosed && !flush_scheduled_) flush();
}

void Connection::note_body_progress(size_t used) {
  body_last_us_ = monotonic_us();
  if (body_since_us_ == 0) {
    body_since_us_ = body_last_us_;
    if (parser_.expects_continue() && input_.empty()) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  body_bytes_ += used;
  core_->buffered_bytes += used;
}

void Connection::forget_body() {
  core_->buffered_bytes -= body_bytes_;
  body_bytes_ = 0;
}

void Connection::handle_request() {
  state_ = State::kAnswering;
  had_request_ = true;
  keep_alive_ = parser_.keep_alive() && !core_->draining;
  is_http_1_1_ = parser_.is_http_1_1();
  HttpRequest request = parser_.take_request();
  is_head_request_ = request.method == "HEAD";
  request.id = make_uuid_v7();
  request.peer = peer_.address;
  request.peer_is_loopback = peer_.is_loopback;
  begin_record(request.id, request.method, request.path);
  auto exchange =
      std::make_shared<ServerExchange>(shared_from_this(), std::move(request), ++serial_);
  exchange_ = exchange;
  core_->handler(std::move(exchange));
}

void Connection::begin_record(const std::string& id, const std::string& method,
                              const std::string& path) {
  record_ = AccessRecord();
  record_.id = id;
  record_.method = method;
  record_.path = path;
  answer_since_us_ = monotonic_us();
}

void Connection::refuse(int status, const std::string& message) {
  state_ = State::kAnswering;
  keep_alive_ = false;
  exchange_.reset();
  begin_record(make_uuid_v7(), "-", "-");
  const std::string path = parser_.request().path;
  const HttpRefusal refusal = {status, message, path, record_.id};
  const HttpServerOptions& options = core_->options;
  std::string headers = status == 503 ? "Retry-After: 1\r\n" : "";
  if (options.error_headers) headers += options.error_headers(refusal);
  send_whole(status, options.error_body ? "application/json" : "text/plain; charset=utf-8",
             options.error_body ? options.error_body(refusal) : message + "\n", headers);
}

// ---- answering ----------------------------------------------------------------------------------

void Connection::append_answer_head(ResponseHead head) {
  head.request_id = record_.id;
  head.close = !keep_alive_;
  head.http_1_0_keep_alive = keep_alive_ && !is_http_1_1_;
  append_head(head, output_);
  record_.status = head.status;
}

void Connection::send_whole(int status, std::string_view content_type, std::string_view body,
                            std::string_view headers) {
  const bool has_body = status != 204 && status != 304;
  ResponseHead head;
  head.status = status;
  head.content_type = content_type;
  head.extra = headers;
  if (has_body) head.content_length = body.size();
  append_answer_head(head);
  if (has_body && !is_head_request_) output_ += body;
  record_.bytes = body.size();
  finish_answer();
}

void Connection::start_stream(int status, std::string_view content_type, std::string_view headers) {
  chunked_ = is_http_1_1_;
  if (!chunked_) keep_alive_ = false;  // the connection's end is the body's end
  ResponseHead head;
  head.status = status;
  head.content_type = content_type;
  head.extra = headers;
  head.chunked = chunked_;
  append_answer_head(head);
  schedule_flush();
}

void Connection::write_stream(std::string_view piece) {
  if (is_head_request_) return;
  stream_data_ += piece;
  record_.bytes += piece.size();
  update_unsent();
  schedule_flush();
}

void Connection::end_stream() {
  if (chunked_ && !stream_data_.empty()) append_chunk(stream_data_, output_);
  if (!chunked_) output_ += stream_data_;
  release_if_large(stream_data_);
  if (chunked_ && !is_head_request_) output_ += kLastChunk;
  finish_answer();
}

void Connection::finish_answer() {
  if (state_ == State::kClosed) return;
  end_exchange(/*client_left=*/false);
  since_us_ = monotonic_us();
  head_since_us_ = 0;
  body_since_us_ = 0;
  forget_body();
  if (keep_alive_ && !core_->draining) {
    state_ = State::kReading;
  } else {
    close_after_flush_ = true;
    state_ = State::kClosing;
  }
  if (processing_) return;
  process_input();
  arm_read();
}

void Connection::end_exchange(bool client_left) {
  record_.complete = !client_left;
  if (client_left && record_.status == 0) record_.status = 499;
  record_.duration_us = monotonic_us() - answer_since_us_;
  if (core_->options.on_done) core_->options.on_done(record_);
  if (const auto exchange = exchange_.lock()) exchange->end(client_left);
  exchange_.reset();
}

void Connection::abandon(uint64_t serial) {
  if (state_ != State::kAnswering || serial != serial_) return;
  if (record_.status != 0) return close();
  refuse(500, "the request was not answered; this server; report it with its x-request-id");
}

// ---- writing ------------------------------------------------------------------------------------

void Connection::update_unsent() {
  unsent_.store(output_.size() - output_sent_ + stream_data_.size(), std::memory_order_relaxed);
}

// What is written until the loop's next turn leaves in one piece.
void Connection::schedule_flush() {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  core_->loop.post([self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->flush();
  });
}

void Connection::flush() {
  if (state_ == State::kClosed || state_ == State::kLingering) return;
  if (!stream_data_.empty()) {
    if (chunked_) {
      append_chunk(stream_data_, output_);
    } else {
      output_ += stream_data_;
    }
    release_if_large(stream_data_);
  }
  if (output_.empty() && !close_after_flush_) return;
  if (writing_) return update_unsent();
  if (output_sent_ == 0) write_progress_us_ = monotonic_us();
  while (output_sent_ < output_.size()) {
    const ssize_t n = send(watch_->fd(), output_.data() + output_sent_,
                           output_.size() - output_sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return close();
    if (n < 0) {
      writing_ = true;
      watch_->wait_writable([self = shared_from_this()] {
        self->writing_ = false;
        self->flush();
      });
      return update_unsent();
    }
    output_sent_ += static_cast<size_t>(n);
    write_progress_us_ = monotonic_us();
  }
  release_if_large(output_);
  output_sent_ = 0;
  update_unsent();
  if (close_after_flush_) return linger();
  if (const auto exchange = exchange_.lock()) exchange->drained();
  if (state_ != State::kReading || input_.empty() || processing_) return;
  core_->loop.post([self = shared_from_this()] {  // posted: a flush may be deep in a request
    self->process_input();
    self->arm_read();
  });
}

// ---- ending -------------------------------------------------------------------------------------

void Connection::linger() {
  ::shutdown(watch_->fd(), SHUT_WR);
  state_ = State::kLingering;
  since_us_ = monotonic_us();
  release_if_large(input_);
  arm_read();
}

void Connection::drain() {
  keep_alive_ = false;
  if (state_ != State::kReading || head_since_us_ != 0) return;
  if (output_sent_ < output_.size()) {
    close_after_flush_ = true;
    state_ = State::kClosing;
    return;
  }
  close();
}

void Connection::stop_answer() {
  if (state_ == State::kReading) return close();
  if (const auto exchange = exchange_.lock()) exchange->stopping();
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  const auto self = shared_from_this();
  const bool answering = state_ == State::kAnswering;
  state_ = State::kClosed;
  forget_body();
  watch_.reset();
  release_if_large(input_);
  release_if_large(output_);
  release_if_large(stream_data_);
  output_sent_ = 0;
  update_unsent();
  if (answering) end_exchange(/*client_left=*/true);
  core_->forget(this);
}

bool Connection::body_is_late(int64_t now_us) const {
  const HttpServerOptions& options = core_->options;
  const int64_t grace_us = ms_to_us(options.body_timeout_ms);
  if (now_us - body_last_us_ > grace_us) return true;
  const int64_t owed_us = now_us - body_since_us_ - grace_us;
  return owed_us > 0 && static_cast<double>(body_bytes_) <
                            static_cast<double>(owed_us) * 1e-6 * options.min_body_bytes_per_s;
}

void Connection::check_deadlines(int64_t now_us) {
  const HttpServerOptions& options = core_->options;
  // Output that no wait for room stands behind is about to be flushed: no clock runs for it.
  if (writing_ && now_us - write_progress_us_ > ms_to_us(options.write_timeout_ms)) return close();
  if (state_ == State::kLingering && now_us - since_us_ > kLingerUs) return close();
  if (state_ != State::kReading || output_sent_ < output_.size()) return;
  if (parser_.state() == RequestParser::State::kBody) {
    if (body_is_late(now_us)) refuse(408, "the request's body came too slowly; send it again");
  } else if (head_since_us_ != 0) {
    if (now_us - head_since_us_ > ms_to_us(options.header_timeout_ms)) {
      refuse(408, "the request's head came too slowly; send it again");
    }
  } else if (now_us - since_us_ >
             ms_to_us(had_request_ ? options.idle_timeout_ms : options.header_timeout_ms)) {
    close();
  }
}

}  // namespace overtake
