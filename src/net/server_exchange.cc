#include "net/server_exchange.h"

#include <utility>

namespace overtake {

ServerExchange::ServerExchange(std::shared_ptr<Connection> connection, HttpRequest request,
                               uint64_t serial)
    : connection_(std::move(connection)), request_(std::move(request)), serial_(serial) {}

ServerExchange::~ServerExchange() {
  if (ended_) return;
  connection_->core().loop.post(
      [connection = connection_, serial = serial_] { connection->abandon(serial); });
}

template <typename F>
void ServerExchange::on_loop(F&& task) {
  if (connection_->core().loop.on_loop_thread()) {
    if (!ended_) task();
    return;
  }
  connection_->core().loop.post(
      [self = shared_from_this(), task = std::forward<F>(task)]() mutable {
        if (!self->ended_) task();
      });
}

void ServerExchange::set_header(std::string_view name, std::string_view value) {
  on_loop([this, line = header_value(name) + ": " + header_value(value) + "\r\n"] {
    headers_ += line;
  });
}

void ServerExchange::send(int status, std::string_view content_type, std::string body) {
  on_loop([this, status, type = std::string(content_type), body = std::move(body)] {
    OVERTAKE_CHECK(!streaming_);
    connection_->send_whole(status, type, body, headers_);
  });
}

void ServerExchange::start_stream(int status, std::string_view content_type) {
  on_loop([this, status, type = std::string(content_type)] {
    OVERTAKE_CHECK(!streaming_);
    streaming_ = true;
    connection_->start_stream(status, type, headers_);
  });
}

void ServerExchange::write(std::string piece) {
  if (connection_->core().loop.on_loop_thread()) {
    if (!ended_) connection_->write_stream(piece);
    return;
  }
  posted_bytes_ += piece.size();
  connection_->core().loop.post([self = shared_from_this(), piece = std::move(piece)] {
    self->posted_bytes_ -= piece.size();
    if (!self->ended_) self->connection_->write_stream(piece);
  });
}

void ServerExchange::end_stream() {
  on_loop([this] { connection_->end_stream(); });
}

size_t ServerExchange::pending_bytes() const {
  return posted_bytes_.load(std::memory_order_relaxed) + connection_->unsent_bytes();
}

void ServerExchange::on_drained(std::function<void()> drained) {
  on_loop([this, drained = std::move(drained)]() mutable { drained_ = std::move(drained); });
}

void ServerExchange::on_gone(std::function<void()> gone) {
  if (connection_->core().loop.on_loop_thread()) return set_gone(std::move(gone));
  connection_->core().loop.post([self = shared_from_this(), gone = std::move(gone)]() mutable {
    self->set_gone(std::move(gone));
  });
}

// A handler that asks late must still hear of a client that has left.
void ServerExchange::set_gone(std::function<void()> gone) {
  if (client_left_) return gone();
  if (!ended_) gone_ = std::move(gone);
}

void ServerExchange::on_stopping(std::function<void()> stopping) {
  on_loop([this, stopping = std::move(stopping)]() mutable { stopping_ = std::move(stopping); });
}

void ServerExchange::note(std::string words) {
  on_loop([this, words = std::move(words)]() mutable { connection_->note(std::move(words)); });
}

void ServerExchange::post(std::function<void()> task) {
  connection_->core().loop.post(std::move(task));
}

std::function<void(std::function<void()> task)> ServerExchange::poster() const {
  return connection_->core().loop.poster();
}

void ServerExchange::drained() {
  if (ended_ || !drained_) return;
  const auto drained = drained_;  // it may end the answer, which lets go of the member
  drained();
}

void ServerExchange::stopping() {
  if (auto stopping = std::exchange(stopping_, {})) stopping();
}

void ServerExchange::end(bool client_left) {
  ended_ = true;
  client_left_ = client_left;
  // Taken out first: they may hold the last reference to this object.
  const auto drained = std::exchange(drained_, {});
  const auto stopping = std::exchange(stopping_, {});
  const auto gone = std::exchange(gone_, {});
  if (client_left && gone) gone();
}

}  // namespace overtake
