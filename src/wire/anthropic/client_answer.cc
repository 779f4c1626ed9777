// Reads the answers of POST /v1/messages, streamed and whole, back into events.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/anthropic/client.h"
#include "wire/json_answer_reader.h"
#include "wire/upstream_answer.h"

namespace overtake::anthropic {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

// A whole message is read as the events of a stream that would have brought it.
class MessagesReader : public wire::JsonAnswerReader {
 public:
  explicit MessagesReader(wire::AnswerFraming framing)
      : JsonAnswerReader(framing, "Anthropic's Messages") {}

 private:
  // kOther: what the vendor's own tools did, and kinds that are not known yet: they are skipped.
  enum class Block { kNone, kText, kThinking, kRedacted, kTool, kOther };

  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override;
  Status end(std::vector<Event>* out) override;
  Status take_event(std::string_view type, const Json& json, std::vector<Event>* out);
  Status begin(const Json* message, std::vector<Event>* out);
  Status open(const Json& event, std::vector<Event>* out);
  void open_block(std::string_view type, const Json& content, std::vector<Event>* out);
  Status take_delta(const Json& event, std::vector<Event>* out);
  Status take_piece(const Json& delta, std::vector<Event>* out);
  Status close_block(const Json& event, std::vector<Event>* out);
  void end_block(std::vector<Event>* out);
  Status take_whole(const Json& message, std::vector<Event>* out);
  void take_stop(const Json& object);
  void take_usage(const Json* usage);
  Status take_end(std::vector<Event>* out);
  FinishReason finish_reason() const;

  bool started_ = false;
  Block block_ = Block::kNone;
  int64_t n_blocks_ = 0;  // that have ended
  int n_tools_ = 0;       // the open one among them
  bool has_input_ = false;
  std::string reason_;
  std::string stop_sequence_;
  std::string explanation_;  // of a refusal
  int64_t input_tokens_ = 0, cache_read_tokens_ = 0, cache_write_tokens_ = 0;
  UsageEvent usage_;
};

// Counts are totals so far, in part told again at the end. Input that a cache had a part in is not
// among the input tokens.
void MessagesReader::take_usage(const Json* usage) {
  if (!usage) return;
  const auto update = [](const Json& owner, const char* name, int64_t* value) {
    if (member(owner, name)) *value = count_member(owner, name);
  };
  update(*usage, "input_tokens", &input_tokens_);
  update(*usage, "cache_read_input_tokens", &cache_read_tokens_);
  update(*usage, "cache_creation_input_tokens", &cache_write_tokens_);
  update(*usage, "output_tokens", &usage_.completion_tokens);
  if (const Json* details = member(*usage, "output_tokens_details")) {
    update(*details, "thinking_tokens", &usage_.reasoning_tokens);
  }
  usage_.prompt_tokens = input_tokens_ + cache_read_tokens_ + cache_write_tokens_;
  usage_.cached_tokens = cache_read_tokens_;
  usage_.cache_write_tokens = cache_write_tokens_;
}

void MessagesReader::take_stop(const Json& object) {
  const std::string reason = string_member(object, "stop_reason");
  if (!reason.empty()) reason_ = reason;
  stop_sequence_ = string_member(object, "stop_sequence");
  if (const Json* details = member(object, "stop_details")) {
    explanation_ = string_member(*details, "explanation");
  }
}

Status MessagesReader::begin(const Json* message, std::vector<Event>* out) {
  if (started_) return damaged("a message that begins twice");
  if (!message || !message->is_object()) return damaged("a beginning without its message");
  started_ = true;
  take_usage(member(*message, "usage"));
  out->push_back(StartedEvent{
      string_member(*message, "model"), usage_.prompt_tokens, {}, string_member(*message, "id")});
  return {};
}

void MessagesReader::open_block(std::string_view type, const Json& content,
                                std::vector<Event>* out) {
  block_ = Block::kOther;
  if (type == "text") {
    block_ = Block::kText;
    std::string text = string_member(content, "text");
    if (!text.empty()) out->push_back(TextEvent{std::move(text), {}});
  } else if (type == "thinking") {
    block_ = Block::kThinking;
    ReasoningEvent event{string_member(content, "thinking"), string_member(content, "signature")};
    event.is_summary = true;
    if (!event.text.empty() || !event.signature.empty()) out->push_back(std::move(event));
  } else if (type == "redacted_thinking") {
    block_ = Block::kRedacted;
    out->push_back(ReasoningEvent{{}, {}, string_member(content, "data")});
  } else if (type == "tool_use") {
    block_ = Block::kTool;
    ToolEvent event{n_tools_++, string_member(content, "id"), string_member(content, "name"), {}};
    const Json* input = member(content, "input");
    has_input_ = input && input->is_object() && !input->empty();
    if (has_input_) event.arguments = dump_json(*input);
    out->push_back(std::move(event));
  }
}

Status MessagesReader::open(const Json& event, std::vector<Event>* out) {
  const Json* content = member(event, "content_block");
  if (block_ != Block::kNone || !content || count_member(event, "index") != n_blocks_) {
    return damaged("a block out of order");
  }
  open_block(string_member(*content, "type"), *content, out);
  return {};
}

// Citations are left out, and so are kinds that are not known yet; what belongs to another kind of
// block is damage.
Status MessagesReader::take_piece(const Json& delta, std::vector<Event>* out) {
  const std::string type = string_member(delta, "type");
  const auto in = [&](Block block) { return block_ == block; };
  std::string text;
  if (type == "text_delta" && in(Block::kText)) {
    text = string_member(delta, "text");
    if (!text.empty()) out->push_back(TextEvent{std::move(text), {}});
  } else if (type == "thinking_delta" && in(Block::kThinking)) {
    text = string_member(delta, "thinking");
    if (!text.empty()) out->push_back(ReasoningEvent{std::move(text), {}, {}, {}, true});
  } else if (type == "signature_delta" && in(Block::kThinking)) {
    text = string_member(delta, "signature");
    if (!text.empty()) out->push_back(ReasoningEvent{{}, std::move(text)});
  } else if (type == "input_json_delta" && in(Block::kTool)) {
    text = string_member(delta, "partial_json");
    has_input_ = has_input_ || !text.empty();
    if (!text.empty()) out->push_back(ToolEvent{n_tools_ - 1, {}, {}, std::move(text)});
  } else if (type == "text_delta" || type == "thinking_delta" || type == "signature_delta" ||
             type == "input_json_delta" || type.empty()) {
    return damaged("a piece that does not fit its block");
  }
  return {};
}

Status MessagesReader::take_delta(const Json& event, std::vector<Event>* out) {
  const Json* delta = member(event, "delta");
  if (block_ == Block::kNone || !delta || count_member(event, "index") != n_blocks_) {
    return damaged("a piece without its block");
  }
  return block_ == Block::kOther ? Status() : take_piece(*delta, out);
}

// A call without a word of input has an empty one.
void MessagesReader::end_block(std::vector<Event>* out) {
  if (block_ == Block::kTool && !has_input_) {
    out->push_back(ToolEvent{n_tools_ - 1, {}, {}, "{}"});
  }
  block_ = Block::kNone;
  ++n_blocks_;
}

Status MessagesReader::close_block(const Json& event, std::vector<Event>* out) {
  if (block_ == Block::kNone || count_member(event, "index") != n_blocks_) {
    return damaged("the end of a block that is not open");
  }
  end_block(out);
  return {};
}

Status MessagesReader::take_whole(const Json& message, std::vector<Event>* out) {
  TRY(begin(&message, out));
  const Json* content = member(message, "content");
  if (!content || !content->is_array()) return damaged("a message without content");
  for (const Json& block : *content) {
    if (!block.is_object()) return damaged("a block that is no object");
    open_block(string_member(block, "type"), block, out);
    end_block(out);
  }
  take_stop(message);
  return take_end(out);
}

Status MessagesReader::take_event(std::string_view type, const Json& json,
                                  std::vector<Event>* out) {
  if (type == "message_start") return begin(member(json, "message"), out);
  if (type == "ping") return {};
  const bool is_known = type == "content_block_start" || type == "content_block_delta" ||
                        type == "content_block_stop" || type == "message_delta" ||
                        type == "message_stop";
  if (!is_known) return type.empty() ? damaged("an event without a type") : Status();
  if (!started_) return damaged("an event before the message's beginning");
  if (type == "content_block_delta") return take_delta(json, out);
  if (type == "content_block_start") return open(json, out);
  if (type == "content_block_stop") return close_block(json, out);
  if (block_ != Block::kNone) return damaged("a message that ends within a block");
  if (type == "message_stop") return take_end(out);
  take_usage(member(json, "usage"));
  if (const Json* delta = member(json, "delta")) take_stop(*delta);
  return {};
}

Status MessagesReader::take(std::string_view name, const Json& json, std::vector<Event>* out) {
  if (!json.is_object()) return damaged("an event that is no object");
  std::string type = string_member(json, "type");
  if (type.empty()) type = name;
  if (type == "error") {
    close();
    out->push_back(read_error_json(json, 0));
    return {};
  }
  if (!is_whole()) return take_event(type, json, out);
  return type == "message" ? take_whole(json, out) : damaged("it is no message");
}

FinishReason MessagesReader::finish_reason() const {
  if (reason_ == "max_tokens" || reason_ == "model_context_window_exceeded") {
    return FinishReason::kLength;
  }
  if (reason_ == "tool_use") return FinishReason::kToolCalls;
  return reason_ == "refusal" ? FinishReason::kContentFilter : FinishReason::kStop;
}

Status MessagesReader::take_end(std::vector<Event>* out) {
  if (reason_.empty()) return damaged("it ended without a stop_reason");
  close();
  if (!explanation_.empty()) out->push_back(RefusalEvent{explanation_});
  usage_.reasoning_tokens = std::min(usage_.reasoning_tokens, usage_.completion_tokens);
  out->push_back(usage_);
  out->push_back(FinishedEvent{finish_reason(), stop_sequence_, reason_});
  return {};
}

Status MessagesReader::end(std::vector<Event>*) {
  return damaged("the stream ended before its message_stop");
}

}  // namespace

std::unique_ptr<wire::AnswerReader> make_messages_reader(bool stream) {
  using wire::AnswerFraming;
  return std::make_unique<MessagesReader>(stream ? AnswerFraming::kEvents : AnswerFraming::kWhole);
}

}  // namespace overtake::anthropic
