// Generator: the one door to every model, local or remote. A request goes in, events come out.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace overtake {

// ---- request -----------------------------------------------------------------------------------

// On whose behalf a request runs. Empty fields: the local user of a server without keys.
struct Principal {
  std::string tenant;
  std::string user;
  std::string key_id;
  std::vector<std::string> scopes;
};

struct TextPart {
  std::string text;
};
struct ImagePart {
  std::string media_type;  // "image/png"
  std::string url;         // exactly one of url and bytes is set
  std::string bytes;
};
using ContentPart = std::variant<TextPart, ImagePart>;

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // a JSON text
};

enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };
std::string_view role_name(Role role);

struct Message {
  Role role = Role::kUser;
  std::vector<ContentPart> content;
  std::vector<ToolCall> tool_calls;  // of an assistant message
  std::string tool_call_id;          // of a tool message
  std::string name;

  std::string text() const;  // its text parts, joined
};

struct ToolSpec {
  std::string name;
  std::string description;
  std::string parameters;  // a JSON Schema text, or empty
};

struct ChatPrompt {
  std::vector<Message> messages;
  std::vector<ToolSpec> tools;
  // Whether the prompt ends with the beginning of an answer, or within the last message for the
  // model to write on. See TemplateInput.
  bool add_generation_prompt = true;
  bool continue_final_message = false;
};
struct TextPrompt {
  std::string text;
};
struct TokenPrompt {
  std::vector<int32_t> ids;
};
using Prompt = std::variant<ChatPrompt, TextPrompt, TokenPrompt>;

// Unset fields take the model's generation_config.json, else the field's default.
struct SamplingParams {
  std::optional<double> temperature;         // >= 0; 0 is greedy; default 1
  std::optional<int> top_k;                  // >= 1; 0: off (default)
  std::optional<double> top_p;               // (0, 1]; default 1
  std::optional<double> min_p;               // [0, 1); default 0
  std::optional<double> repetition_penalty;  // > 0; default 1 (Keskar et al. 2019)
  double presence_penalty = 0;               // OpenAI's definition, over generated tokens
  double frequency_penalty = 0;
  std::map<int32_t, double> logit_bias;
  std::optional<uint64_t> seed;  // same seed, same text
};

struct GenerateRequest {
  std::string id;  // UUIDv7; also the trace id where none came along
  std::string trace_id;
  std::string model;
  Principal principal;
  std::string workload;
  std::string data_class;
  std::optional<int64_t> deadline_us;  // UTC

  Prompt prompt;
  SamplingParams sampling;
  std::optional<int64_t> max_tokens;  // unset: to the end of the context
  std::vector<std::string> stop;      // strings that end the answer and are not part of it
  bool ignore_end = false;            // go on past end tokens, to measure speed
  int top_logprobs = -1;              // -1: none; 0: of the chosen token; n: and the n best
  bool prompt_logprobs = false;       // also for the prompt's tokens (echo of completions)
};

// ---- events ------------------------------------------------------------------------------------

struct TokenLogprob {
  int32_t id = 0;
  std::string bytes;
  double logprob = 0;
  struct Alternative {
    int32_t id;
    std::string bytes;
    double logprob;
  };
  std::vector<Alternative> top;  // best first
};

struct StartedEvent {
  std::string model;  // the one that answers
  int64_t prompt_tokens = 0;
  std::vector<TokenLogprob> prompt_logprobs;  // [prompt_tokens] where asked for; the first is 0
};
struct TextEvent {
  std::string text;  // whole UTF-8 characters
  std::vector<TokenLogprob> logprobs;
};
struct ReasoningEvent {
  std::string text;
};
struct ToolEvent {
  int index = 0;
  std::string id;         // on the first event of an index only
  std::string name;       // likewise
  std::string arguments;  // a fragment
};
struct UsageEvent {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt
  int64_t completion_tokens = 0;
  int64_t reasoning_tokens = 0;
  int64_t queued_us = 0;
  int64_t prefill_us = 0;
  int64_t decode_us = 0;
};
enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kCancelled };
struct FinishedEvent {
  FinishReason reason = FinishReason::kStop;
  std::string stop_sequence;  // the one of request.stop that ended it, or empty
};
struct FailedEvent {
  Error error;
  bool retryable = false;
};
// Order: started, (text | reasoning | tool)*, usage, finished; or failed at any point. Finished and
// failed are the last.
using Event = std::variant<StartedEvent, TextEvent, ReasoningEvent, ToolEvent, UsageEvent,
                           FinishedEvent, FailedEvent>;
bool is_last(const Event& event);

// The answer to one request: a queue between a producer that never waits and one reader. What a
// slow reader leaves is joined (text to text), so the queue is bounded by the answer's own length.
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

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Event> events_;
  std::function<void()> wake_;
  std::atomic<bool> cancelled_ = false;
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
};

// Thread-safe.
class Generator {
 public:
  virtual ~Generator() = default;
  virtual const GeneratorInfo& info() const = 0;
  // Returns at once. What is wrong with the request itself (a prompt that does not fit, a content
  // part that this model cannot read) comes as the error here; later failures as events.
  virtual Result<Answer> generate(GenerateRequest request) = 0;
};

}  // namespace overtake
