// RemoteCall: one request to an upstream, from its first attempt to the last event of its answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/generator.h"
#include "net/http_client.h"
#include "provider/remote/remote_loop.h"

namespace overtake {

struct RemoteRequest {
  std::shared_ptr<const Upstream> upstream;
  const wire::ClientDialect* dialect;  // of `outgoing`
  wire::Outgoing outgoing;
  std::shared_ptr<AnswerStream> answer;
  std::optional<int64_t> deadline_us;  // UTC
  // Reads an answer that is one document: a count, embeddings. Empty: it answers a prompt.
  std::function<std::unique_ptr<wire::AnswerReader>()> document_reader = {};
  // Whether the client's dialect is that of `outgoing`: nobody else has words for what only this
  // vendor says, and what proves reasoning to it could not come back to it.
  bool keeps_vendors_own = true;
  // The prices of the model that says it answers; null: the answer's price is unknown.
  std::function<const ModelPrices*(std::string_view answering)> prices = {};
};

// On the loop's thread. Owned by the RemoteLoop until it is over and its connection is free again.
class RemoteCall : public std::enable_shared_from_this<RemoteCall> {
 public:
  RemoteCall(RemoteLoop& loop, RemoteRequest request);

  void start();
  // Looks whether the answer is still wanted, and in time.
  void check();
  // The loop ends.
  void abandon();

 private:
  void attempt();
  void on_head(const HttpResponseHead& head);
  void on_body(std::string_view bytes);
  void on_done(const Status& status);
  void push(std::vector<Event> events);
  bool retry(const FailedEvent& failed);
  void fail_or_retry(FailedEvent failed);
  // Ends an answer whose end does not come though nothing else is missing.
  void settle_if_silent();
  // Ends the answer with `event`; the connection is of no more use.
  void end(Event event);
  void let_go();
  // Lets the upstream wait while the reader has much left to read.
  void hold_back();

  RemoteLoop& loop_;
  const RemoteRequest request_;
  std::unique_ptr<HttpCall> call_;
  std::unique_ptr<wire::AnswerReader> reader_;
  const ModelPrices* prices_ = nullptr;
  HttpResponseHead head_;
  std::string error_body_;
  size_t n_received_ = 0;  // bytes of an answer with status 200
  int64_t last_bytes_us_ = 0;
  int n_retries_ = 0;
  bool paused_ = false;
  bool over_ = false;  // the last event is out
  int64_t started_us_ = 0;
  int64_t first_us_ = 0;  // of the first event
  int64_t over_us_ = 0;
};

}  // namespace overtake
