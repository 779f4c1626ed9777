// RemoteLoop: the one thread on which all calls to upstreams run, with their pooled connections.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/event_loop.h"
#include "net/http_client.h"
#include "provider/remote/fault.h"

namespace overtake {

struct RemoteOptions {
  int connect_timeout_ms = 10'000;
  // Models that think before they answer are silent for minutes.
  int first_byte_timeout_ms = 300'000;
  int silence_timeout_ms = 300'000;
  // After an answer that is complete but for its end: see AnswerReader::is_complete. At most half
  // the silence.
  int end_grace_ms = 1'000;
  int max_retries = 2;
  int retry_delay_ms = 500;      // before the first, then twice that; where the upstream says none
  int retry_within_ms = 20'000;  // of the request's start, the wait included
  size_t max_answer_bytes = 64u << 20;
  std::string prices_file;  // the operator's own, if it is there
};

class RemoteCall;

// start() and the constructor: any thread; all else on the loop's.
class RemoteLoop {
 public:
  explicit RemoteLoop(RemoteOptions options = {});
  ~RemoteLoop();  // ends what is under way with an error
  RemoteLoop(const RemoteLoop&) = delete;

  void post(std::function<void()> task) { loop_.post(std::move(task)); }
  void start(std::shared_ptr<RemoteCall> call);

  // ---- on the loop
  EventLoop& loop() { return loop_; }
  const RemoteOptions& options() const { return options_; }
  HttpClient& client(const Upstream& upstream) {
    return upstream.public_only ? *public_client_ : *any_client_;
  }
  RetryBudget& budget(const Upstream& upstream) { return budgets_[upstream.name]; }
  void forget(RemoteCall* call) { calls_.erase(call); }

 private:
  void tick();

  RemoteOptions options_;
  EventLoop loop_;
  std::unique_ptr<HttpClient> public_client_;
  std::unique_ptr<HttpClient> any_client_;
  std::map<RemoteCall*, std::shared_ptr<RemoteCall>> calls_;
  std::map<std::string, RetryBudget> budgets_;
  bool ticking_ = false;
  std::thread thread_;
};

}  // namespace overtake
