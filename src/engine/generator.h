// Generator: the one door to every model, local or remote. A request goes in, events come out.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/embed_request.h"
#include "engine/event.h"
#include "engine/feature.h"
#include "engine/generate_request.h"
#include "engine/price.h"

namespace overtake {

// The answer to one request: a queue between a producer that never waits and one reader. What a
// slow reader leaves beyond 64 events is joined (text to text), so the queue is bounded by the
// answer's own length.
// All functions may be called from any thread.
class AnswerStream {
 public:
  // ---- for the reader
  std::optional<Event> try_next();  // nullopt: nothing there now
  Event next();                     // waits; after the last event this must not be called again
  std::optional<Event> next_for(int64_t timeout_us);
  // `wake` is called, from the producer's thread, whenever the queue stops being empty; at once if
  // it is not empty now. It must be quick and not call back. Empty function: none.
  void on_ready(std::function<void()> wake);
  // Asks the producer to stop; it answers with finished {cancelled} within one step. Destroying
  // the reader's handle without this leaks work: AnswerHandle does it.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  // ---- for the producer
  void push(Event event);
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  // What waits for the reader, in bytes: a producer that can make its own source wait should,
  // before this grows large.
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }

 private:
  Event pop();  // under the mutex

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Event> events_;
  std::function<void()> wake_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<size_t> pending_bytes_ = 0;
};

// The reader's end: cancels the request when it goes away.
class Answer {
 public:
  explicit Answer(std::shared_ptr<AnswerStream> stream) : stream_(std::move(stream)) {}
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&& other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Answer() {
    if (!stream_) return;
    stream_->on_ready({});
    stream_->cancel();
  }
  AnswerStream* operator->() const { return stream_.get(); }

 private:
  std::shared_ptr<AnswerStream> stream_;
};

// ---- the door ----------------------------------------------------------------------------------

struct GeneratorInfo {
  std::string name;  // as requests and /v1/models have it
  std::string owned_by;
  int64_t created_s = 0;  // UTC seconds
  int64_t context_length = 0;
  FeatureSet features;  // what requests may ask for
  std::optional<ModelPrices> prices = {};
  // Of a model on this machine; empty and 0 for others.
  std::string architecture;  // "llama"
  int64_t n_parameters = 0;
  int64_t size_bytes = 0;  // of its weights
};

// Thread-safe.
class Generator {
 public:
  virtual ~Generator() = default;
  virtual const GeneratorInfo& info() const = 0;
  // Returns at once. What is wrong with the request itself (a prompt that does not fit, a content
  // part that this model cannot read) comes as the error here; later failures as events.
  virtual Result<Answer> generate(GenerateRequest request) = 0;
  // How many tokens the request's prompt has, as an answer of nothing but its usage. Returns at
  // once; kUnsupported by models that can not tell.
  virtual Result<Answer> count_tokens(GenerateRequest request);
  // The vectors of the request's inputs. Returns at once, as generate() does; kUnsupported by
  // models that give none, which lack Feature::kEmbeddings.
  virtual Result<Answer> embed(EmbedRequest request);
};

// An answer to count_tokens that is known already.
Answer counted(int64_t prompt_tokens);

}  // namespace overtake
