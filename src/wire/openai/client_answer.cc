// Reads the answers of POST /chat/completions, streamed and whole, back into events.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/json_answer_reader.h"
#include "wire/openai/annotations.h"
#include "wire/openai/client.h"
#include "wire/upstream_answer.h"

namespace overtake::openai {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

constexpr std::string_view kApi = "OpenAI's chat completions";
constexpr size_t kMaxTools = 128;

std::vector<TokenLogprob> read_logprobs(const Json& choice) {
  const Json* logprobs = member(choice, "logprobs");
  return wire::read_token_logprobs(logprobs ? member(*logprobs, "content") : nullptr);
}

// A choice grows by deltas, or has its message at once.
class ChatReader : public wire::JsonAnswerReader {
 public:
  explicit ChatReader(wire::AnswerFraming framing) : JsonAnswerReader(framing, kApi) {}

 private:
  Result<bool> take_raw(const wire::SseEvent& event, std::vector<Event>* out) override;
  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override;
  Status end(std::vector<Event>* out) override;
  bool has_ended() const override { return started_ && !reason_.empty() && has_usage_; }
  Status conclude(std::vector<Event>* out) override { return take_end(out); }
  Status take_end(std::vector<Event>* out);
  Status take_choice(const Json& choice, std::vector<Event>* out);
  Status take_tools(const Json& calls, std::vector<Event>* out);
  void take_usage(const Json& usage);
  void fail(FailedEvent failed, std::vector<Event>* out);
  FinishReason finish_reason() const;

  struct Tool {
    bool has_id = false;
    bool has_name = false;
  };
  bool started_ = false;
  bool refused_ = false;
  bool has_usage_ = false;
  std::string reason_;
  std::vector<Tool> tools_;
  UsageEvent usage_;
};

void ChatReader::fail(FailedEvent failed, std::vector<Event>* out) {
  close();
  out->push_back(std::move(failed));
}

// Prompt counts include cached tokens and completion counts those of reasoning, as ours do.
void ChatReader::take_usage(const Json& usage) {
  has_usage_ = true;
  usage_.prompt_tokens = count_member(usage, "prompt_tokens");
  usage_.completion_tokens = count_member(usage, "completion_tokens");
  if (const Json* details = member(usage, "prompt_tokens_details")) {
    usage_.cached_tokens = std::min(count_member(*details, "cached_tokens"), usage_.prompt_tokens);
    usage_.cache_write_tokens =
        std::min(count_member(*details, "cache_write_tokens"), usage_.prompt_tokens);
  }
  if (const Json* details = member(usage, "completion_tokens_details")) {
    usage_.reasoning_tokens =
        std::min(count_member(*details, "reasoning_tokens"), usage_.completion_tokens);
    usage_.accepted_draft_tokens = count_member(*details, "accepted_prediction_tokens");
    usage_.rejected_draft_tokens = count_member(*details, "rejected_prediction_tokens");
  }
}

// Imitators leave the index out, or repeat id and name: both come once from here.
Status ChatReader::take_tools(const Json& calls, std::vector<Event>* out) {
  for (const Json& call : calls) {
    ToolEvent event;
    event.id = string_member(call, "id");
    if (const Json* function = member(call, "function")) {
      event.name = string_member(*function, "name");
      event.arguments = string_member(*function, "arguments");
    }
    const Json* index = member(call, "index");
    const bool is_next = tools_.empty() || !event.id.empty();
    size_t at = is_next ? tools_.size() : tools_.size() - 1;
    if (index && index->is_number_unsigned()) at = index->get<size_t>();
    if (at >= kMaxTools || at > tools_.size()) return damaged("a tool call out of order");
    if (at == tools_.size()) tools_.emplace_back();
    event.index = static_cast<int>(at);
    if (std::exchange(tools_[at].has_id, tools_[at].has_id || !event.id.empty())) event.id.clear();
    if (std::exchange(tools_[at].has_name, tools_[at].has_name || !event.name.empty())) {
      event.name.clear();
    }
    out->push_back(std::move(event));
  }
  return {};
}

Status ChatReader::take_choice(const Json& choice, std::vector<Event>* out) {
  if (!choice.is_object()) return damaged("a choice that is no object");
  if (count_member(choice, "index") != 0) return damaged("a choice that nobody asked for");
  const Json* delta = member(choice, is_whole() ? "message" : "delta");
  if (delta) {
    std::string thought = string_member(*delta, "reasoning_content");
    if (thought.empty()) thought = string_member(*delta, "reasoning");  // OpenRouter, newer vLLM
    if (!thought.empty()) out->push_back(ReasoningEvent{std::move(thought)});
    TextEvent text{string_member(*delta, "content"), read_logprobs(choice)};
    if (!text.text.empty() || !text.logprobs.empty()) out->push_back(std::move(text));
    read_annotations(member(*delta, "annotations"), out);
    std::string refusal = string_member(*delta, "refusal");
    refused_ = refused_ || !refusal.empty();
    if (!refusal.empty()) out->push_back(RefusalEvent{std::move(refusal)});
    const Json* calls = member(*delta, "tool_calls");
    if (calls && !calls->is_array()) return damaged("tool calls that are no array");
    if (calls) TRY(take_tools(*calls, out));
  }
  const std::string reason = string_member(choice, "finish_reason");
  if (!reason.empty()) reason_ = reason;
  return {};
}

Result<bool> ChatReader::take_raw(const wire::SseEvent& event, std::vector<Event>* out) {
  if (event.data != "[DONE]") return false;
  TRY(take_end(out));
  return true;
}

Status ChatReader::take(std::string_view, const Json& json, std::vector<Event>* out) {
  if (!json.is_object()) return damaged("an event that is no object");
  if (member(json, "error")) {
    fail(read_error_json(json, 0), out);
    return {};
  }
  const Json* choices = member(json, "choices");
  const Json* usage = member(json, "usage");
  if (!choices && !usage) return damaged("an event without choices");
  if (choices && !choices->is_array()) return damaged("choices that are no array");
  if (!std::exchange(started_, true)) {
    out->push_back(StartedEvent{string_member(json, "model"), 0, {}, string_member(json, "id")});
  }
  if (usage && usage->is_object()) take_usage(*usage);
  for (size_t i = 0; choices && i < choices->size(); ++i) {
    TRY(take_choice((*choices)[i], out));
  }
  return {};
}

FinishReason ChatReader::finish_reason() const {
  if (reason_ == "length") return FinishReason::kLength;
  if (reason_ == "content_filter") return FinishReason::kContentFilter;
  // A call that was forced ends with "stop" at some vendors.
  if (!tools_.empty()) return FinishReason::kToolCalls;
  return refused_ ? FinishReason::kRefusal : FinishReason::kStop;
}

Status ChatReader::end(std::vector<Event>* out) {
  if (!is_whole()) return damaged("the stream ended before its [DONE]");
  return take_end(out);
}

Status ChatReader::take_end(std::vector<Event>* out) {
  if (!started_ || reason_.empty()) return damaged("it ended without a finish_reason");
  close();
  if (reason_ == "error" || reason_ == "abort") {
    FailedEvent failed{{ErrorCode::kUnavailable, "the upstream gave up in the middle"}, true};
    failed.upstream.emplace().code = reason_;
    out->push_back(std::move(failed));
    return {};
  }
  out->push_back(usage_);
  out->push_back(FinishedEvent{finish_reason(), {}, reason_});
  return {};
}

}  // namespace

std::unique_ptr<wire::AnswerReader> make_chat_reader(bool stream) {
  using wire::AnswerFraming;
  return std::make_unique<ChatReader>(stream ? AnswerFraming::kEvents : AnswerFraming::kWhole);
}

}  // namespace overtake::openai
