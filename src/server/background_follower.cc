// One client that follows a response in the background.
#include <fmt/core.h>

#include <utility>

#include "server/background_run.h"
#include "server/reply.h"
#include "wire/openai/dialect.h"

namespace overtake {
namespace {

// Events stay where they are kept while the client has this much to take.
constexpr size_t kOutputHighWater = 64 << 10;

// Lives on the event loop. The exchange's callbacks own it until its answer's end.
class BackgroundFollower : public std::enable_shared_from_this<BackgroundFollower> {
 public:
  BackgroundFollower(std::shared_ptr<HttpExchange> exchange,
                     std::shared_ptr<BackgroundResponse> response, int64_t after)
      : exchange_(std::move(exchange)), response_(std::move(response)), next_(after + 1) {}
  ~BackgroundFollower() { response_->watchers.erase(this); }

  void start();

 private:
  void pump();
  void fail(const wire::CallError& error);
  void end_stream();

  std::shared_ptr<HttpExchange> exchange_;
  std::shared_ptr<BackgroundResponse> response_;
  int64_t next_;  // number of the event to be sent
  bool done_ = false;
};

void BackgroundFollower::start() {
  exchange_->set_header("Cache-Control", "no-cache");
  exchange_->set_header("X-Accel-Buffering", "no");  // or nginx would hold the events back
  exchange_->start_stream(200, "text/event-stream");
  exchange_->on_gone([self = shared_from_this()] { self->done_ = true; });
  const auto wake = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  };
  exchange_->on_drained(wake);
  response_->watchers[this] = wake;
  exchange_->on_stopping([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->fail(wire::plain_error(503, "the server is shutting down, and the response with it"));
    }
  });
  pump();
}

void BackgroundFollower::pump() {
  std::string out;
  while (!done_ && exchange_->pending_bytes() + out.size() < kOutputHighWater) {
    if (next_ >= response_->end_event()) break;
    if (next_ < response_->first_event) {
      exchange_->write(std::move(out));
      return fail(wire::plain_error(
          404, fmt::format("the events up to {} are no longer kept; retrieve the response as a "
                           "whole",
                           response_->first_event - 1)));
    }
    out += response_->events[static_cast<size_t>(next_++ - response_->first_event)];
  }
  if (done_) return;
  if (!out.empty()) exchange_->write(std::move(out));
  if (response_->ended && next_ >= response_->end_event()) end_stream();
}

void BackgroundFollower::fail(const wire::CallError& error) {
  if (done_) return;
  exchange_->write(openai::responses_dialect.stream_error(error));
  end_stream();
}

void BackgroundFollower::end_stream() {
  done_ = true;
  const auto exchange = exchange_;  // its end lets go of this
  exchange->end_stream();
}

}  // namespace

void follow_background(std::shared_ptr<HttpExchange> exchange,
                       std::shared_ptr<BackgroundResponse> response, int64_t after) {
  std::make_shared<BackgroundFollower>(std::move(exchange), std::move(response), after)->start();
}

}  // namespace overtake
