// Reads the answers of POST /v1/messages, streamed and whole, back into events.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/anthropic/client.h"
#include "wire/anthropic/client_blocks.h"
#include "wire/anthropic/client_content.h"
#include "wire/json_answer_reader.h"
#include "wire/upstream_answer.h"

namespace overtake::anthropic {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

Json message_others(const Json& message) {
  return wire::other_members(
      message, {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"});
}

// A whole message is read as the events of a stream that would have brought it.
class MessagesReader : public wire::JsonAnswerReader {
 public:
  explicit MessagesReader(wire::AnswerFraming framing)
      : JsonAnswerReader(framing, "Anthropic's Messages") {}

 private:
  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override;
  Status end(std::vector<Event>* out) override;
  Status take_event(std::string_view type, const Json& json, std::vector<Event>* out);
  Status begin(const Json* message, std::vector<Event>* out);
  Status open(const Json& event, std::vector<Event>* out);
  Status take_delta(const Json& event, std::vector<Event>* out);
  Status close_block(const Json& event, std::vector<Event>* out);
  Status take_whole(const Json& message, std::vector<Event>* out);
  void take_stop(const Json& object);
  void take_usage(const Json* usage);
  void keep_others(const Json& others, Json* into);
  void tell_others(std::vector<Event>* out) const;
  Status take_end(std::vector<Event>* out);
  FinishReason finish_reason() const;

  bool started_ = false;
  BlockReader blocks_;
  // Members of the message and of its usage that have no place in our events.
  Json message_others_ = Json::object(), usage_others_ = Json::object();
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
  keep_others(wire::other_members(
                  *usage, {"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
                           "output_tokens", "output_tokens_details"}),
              &usage_others_);
  usage_.prompt_tokens = input_tokens_ + cache_read_tokens_ + cache_write_tokens_;
  usage_.cached_tokens = cache_read_tokens_;
  usage_.cache_write_tokens = cache_write_tokens_;
}

void MessagesReader::keep_others(const Json& others, Json* into) {
  for (const auto& [key, value] : others.items()) {
    if (into->size() < kMaxOthers) (*into)[key] = value;
  }
}

// What the message has besides its content; the end tells some of it again.
void MessagesReader::take_stop(const Json& object) {
  keep_others(message_others(object), &message_others_);
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
  if (!is_whole()) keep_others(message_others(*message), &message_others_);
  out->push_back(StartedEvent{
      string_member(*message, "model"), usage_.prompt_tokens, {}, string_member(*message, "id")});
  return {};
}

Status MessagesReader::open(const Json& event, std::vector<Event>* out) {
  const Json* content = member(event, "content_block");
  if (blocks_.is_open() || !content || count_member(event, "index") != blocks_.n_closed()) {
    return damaged("a block out of order");
  }
  blocks_.open(*content, out);
  return {};
}

Status MessagesReader::take_delta(const Json& event, std::vector<Event>* out) {
  const Json* delta = member(event, "delta");
  if (!blocks_.is_open() || !delta || count_member(event, "index") != blocks_.n_closed()) {
    return damaged("a piece without its block");
  }
  const char* wrong = blocks_.take(*delta, out);
  return wrong ? damaged(wrong) : Status();
}

Status MessagesReader::close_block(const Json& event, std::vector<Event>* out) {
  if (!blocks_.is_open() || count_member(event, "index") != blocks_.n_closed()) {
    return damaged("the end of a block that is not open");
  }
  blocks_.close(out);
  return {};
}

Status MessagesReader::take_whole(const Json& message, std::vector<Event>* out) {
  TRY(begin(&message, out));
  const Json* content = member(message, "content");
  if (!content || !content->is_array()) return damaged("a message without content");
  for (const Json& block : *content) {
    if (!block.is_object()) return damaged("a block that is no object");
    blocks_.open(block, out);
    blocks_.close(out);
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
  if (blocks_.is_open()) return damaged("a message that ends within a block");
  if (type == "message_stop") return take_end(out);
  take_usage(member(json, "usage"));
  keep_others(wire::other_members(json, {"type", "delta", "usage"}), &message_others_);
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

void MessagesReader::tell_others(std::vector<Event>* out) const {
  if (message_others_.empty() && usage_others_.empty()) return;
  Json others = message_others_;
  if (!usage_others_.empty()) others["usage"] = usage_others_;
  VendorEvent event;
  event.kind = VendorEvent::Kind::kMembers;
  event.dialect = kDialectName;
  event.json = dump_json(others);
  out->push_back(std::move(event));
}

Status MessagesReader::take_end(std::vector<Event>* out) {
  if (reason_.empty()) return damaged("it ended without a stop_reason");
  close();
  if (!explanation_.empty()) out->push_back(RefusalEvent{explanation_});
  tell_others(out);
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
