// The answer of POST /v1/responses: one object, which a stream tells the growing of.
#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/openai/answer_parts.h"
#include "wire/openai/responses.h"

namespace overtake::openai {
namespace {

// At most one message or reasoning item is open; calls, whose fragments may come side by side, stay
// open to the end. The order of items is that of their beginnings.
class ResponsesWriter : public wire::AnswerWriter {
 public:
  ResponsesWriter(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call), identity_(std::move(identity)) {}

  void add(int index, Event event, std::string& out) override;
  void finish(std::string& out) override;
  bool fail(const wire::CallError& error, std::string& out) override;

 private:
  enum class Part { kNone, kText, kRefusal, kReasoning };
  struct Call {
    int item = 0;
    std::string arguments;
  };

  void begin(std::string& out);
  Json response_json(std::string_view status) const;
  void emit(std::string_view type, Json members, std::string& out);
  void emit_response(std::string_view type, std::string_view status, std::string& out);
  int open_item(std::string_view prefix, Json item, std::string& out);
  void done_item(int index, std::string_view status, std::string& out);
  void open_part(Part part, std::string& out);
  void close_part(std::string& out);
  void close_item(std::string_view status, std::string& out);
  void close_calls(std::string_view status, std::string& out);
  void add_piece(Part part, const std::string& piece, const std::vector<TokenLogprob>& logprobs,
                 std::string& out);
  void add_reasoning(const ReasoningEvent& event, std::string& out);
  void add_call(const ToolEvent& event, std::string& out);
  void end(const FinishedEvent& finished, std::string& out);
  Json part_json() const;
  Json place(int item) const;
  bool wants_logprobs() const { return call_.request.top_logprobs >= 0; }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  bool begun_ = false;
  int sequence_ = 0;
  Json items_ = Json::array();
  int open_ = -1;  // the item that is a message or reasoning and goes on
  Part part_ = Part::kNone;
  std::string text_;  // of the open part
  std::string signature_;
  Json logprobs_ = Json::array();
  std::map<int, Call> calls_;
  std::string end_status_ = "completed";
  Json incomplete_;
};

Json usage_of(const wire::UsageTotals& usage) {
  Json out = Json{{"input_tokens", usage.prompt_tokens},
                  {"input_tokens_details", Json{{"cached_tokens", usage.cached_tokens},
                                                {"cache_write_tokens", usage.cache_write_tokens}}},
                  {"output_tokens", usage.completion_tokens},
                  {"output_tokens_details", Json{{"reasoning_tokens", usage.reasoning_tokens}}},
                  {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
  if (usage.cost_nano_usd) out["cost_nano_usd"] = *usage.cost_nano_usd;  // not in OpenAI's API
  return out;
}

// Members that clients count on, whatever the request had.
void add_defaults(Json* out) {
  const auto put = [&](const char* name, Json value) {
    if (!out->contains(name) || (*out)[name].is_null()) (*out)[name] = std::move(value);
  };
  for (const char* name : {"instructions", "max_output_tokens", "previous_response_id",
                           "temperature", "top_p", "user"}) {
    put(name, nullptr);
  }
  put("metadata", Json::object());
  put("parallel_tool_calls", true);
  put("reasoning", Json{{"effort", nullptr}, {"summary", nullptr}});
  put("store", true);
  put("text", Json::object());
  if (!(*out)["text"].contains("format")) (*out)["text"]["format"] = Json{{"type", "text"}};
  put("tool_choice", "auto");
  put("tools", Json::array());
  put("truncation", "disabled");
  put("background", false);
}

// One of the codes that clients know.
std::string_view code_of(const wire::CallError& error) {
  if (error.status == 429) return "rate_limit_exceeded";
  return error.status < 500 ? "invalid_prompt" : "server_error";
}

Json ResponsesWriter::response_json(std::string_view status) const {
  Json out;
  out["id"] = identity_.id;
  out["object"] = "response";
  out["created_at"] = identity_.created_s;
  out["status"] = status;
  out["error"] = nullptr;
  out["incomplete_details"] = status == "incomplete" ? incomplete_ : Json(nullptr);
  out["model"] = identity_.model;
  out["output"] = items_;
  out["usage"] = nullptr;
  if (const auto repeated = parse_json(call_.repeated, "request"); repeated.ok()) {
    for (const auto& [key, value] : repeated.value().items()) out[key] = value;
  }
  const auto conversation = out.find("conversation");
  if (conversation != out.end() && conversation->is_string()) {
    *conversation = Json{{"id", *conversation}};
  }
  add_defaults(&out);
  return out;
}

void ResponsesWriter::emit(std::string_view type, Json members, std::string& out) {
  if (!call_.stream) return;
  Json event;
  event["type"] = type;
  event["sequence_number"] = sequence_++;
  for (auto& [key, value] : members.items()) event[key] = std::move(value);
  out.append("event: ").append(type).append("\ndata: ").append(dump_json(event)).append("\n\n");
}

void ResponsesWriter::emit_response(std::string_view type, std::string_view status,
                                    std::string& out) {
  if (call_.stream) emit(type, Json{{"response", response_json(status)}}, out);
}

void ResponsesWriter::begin(std::string& out) {
  if (std::exchange(begun_, true)) return;
  emit_response("response.created", "in_progress", out);
  emit_response("response.in_progress", "in_progress", out);
}

Json ResponsesWriter::place(int item) const {
  return Json{{"item_id", items_[static_cast<size_t>(item)]["id"]}, {"output_index", item}};
}

// "resp_UUID" and "msg": "msg_UUID_o0"; the answer's ids and the input's never meet.
int ResponsesWriter::open_item(std::string_view prefix, Json item, std::string& out) {
  begin(out);
  const int index = static_cast<int>(items_.size());
  const std::string uuid = identity_.id.substr(identity_.id.find('_') + 1);
  item["id"] = fmt::format("{}_{}_o{}", prefix, uuid, index);
  item["status"] = "in_progress";
  items_.push_back(item);
  emit("response.output_item.added", Json{{"output_index", index}, {"item", std::move(item)}}, out);
  return index;
}

void ResponsesWriter::done_item(int index, std::string_view status, std::string& out) {
  Json& item = items_[static_cast<size_t>(index)];
  item["status"] = status;
  emit("response.output_item.done", Json{{"output_index", index}, {"item", item}}, out);
}

Json ResponsesWriter::part_json() const {
  Json part;
  if (part_ == Part::kText) {
    part = Json{{"type", "output_text"},
                {"text", text_},
                {"annotations", Json::array()},
                {"logprobs", logprobs_}};
    if (!signature_.empty()) part["signature"] = signature_;
  } else if (part_ == Part::kRefusal) {
    part = Json{{"type", "refusal"}, {"refusal", text_}};
  } else {
    part = Json{{"type", "reasoning_text"}, {"text", text_}};
  }
  return part;
}

void ResponsesWriter::open_part(Part part, std::string& out) {
  const bool is_reasoning = part == Part::kReasoning;
  const bool fits =
      open_ >= 0 && (items_[static_cast<size_t>(open_)]["type"] == "reasoning") == is_reasoning;
  if (!fits) {
    close_item("completed", out);
    open_ = is_reasoning
                ? open_item("rs",
                            Json{{"type", "reasoning"},
                                 {"summary", Json::array()},
                                 {"content", Json::array()},
                                 {"encrypted_content", nullptr}},
                            out)
                : open_item(
                      "msg",
                      Json{{"type", "message"}, {"role", "assistant"}, {"content", Json::array()}},
                      out);
  }
  close_part(out);
  part_ = part;
  Json members = place(open_);
  members["content_index"] = items_[static_cast<size_t>(open_)]["content"].size();
  members["part"] = part_json();
  emit("response.content_part.added", std::move(members), out);
}

void ResponsesWriter::close_part(std::string& out) {
  if (part_ == Part::kNone) return;
  Json& content = items_[static_cast<size_t>(open_)]["content"];
  Json members = place(open_);
  members["content_index"] = content.size();
  Json done = members;
  if (part_ == Part::kText) {
    done["text"] = text_;
    done["logprobs"] = logprobs_;
    emit("response.output_text.done", std::move(done), out);
  } else if (part_ == Part::kRefusal) {
    done["refusal"] = text_;
    emit("response.refusal.done", std::move(done), out);
  } else {
    done["text"] = text_;
    emit("response.reasoning_text.done", std::move(done), out);
  }
  members["part"] = part_json();
  content.push_back(members["part"]);
  emit("response.content_part.done", std::move(members), out);
  part_ = Part::kNone;
  text_.clear();
  signature_.clear();
  logprobs_ = Json::array();
}

void ResponsesWriter::close_item(std::string_view status, std::string& out) {
  if (open_ < 0) return;
  close_part(out);
  done_item(std::exchange(open_, -1), status, out);
}

void ResponsesWriter::add_piece(Part part, const std::string& piece,
                                const std::vector<TokenLogprob>& logprobs, std::string& out) {
  if (piece.empty() && logprobs.empty()) return;
  if (part_ != part) open_part(part, out);
  text_ += piece;
  Json members = place(open_);
  members["content_index"] = items_[static_cast<size_t>(open_)]["content"].size();
  members["delta"] = piece;
  if (part == Part::kText) {
    Json entries = Json::array();
    if (wants_logprobs()) entries = std::move(chat_logprobs_json(logprobs)["content"]);
    for (const Json& entry : entries) logprobs_.push_back(entry);
    members["logprobs"] = std::move(entries);
    emit("response.output_text.delta", std::move(members), out);
  } else {
    emit(part == Part::kRefusal ? "response.refusal.delta" : "response.reasoning_text.delta",
         std::move(members), out);
  }
}

// What proves the reasoning to its vendor has no place of its own in this API: it stands beside the
// members that have one, and comes back with the item.
void ResponsesWriter::add_reasoning(const ReasoningEvent& event, std::string& out) {
  add_piece(Part::kReasoning, event.text, {}, out);
  if (event.signature.empty() && event.encrypted.empty()) return;
  if (open_ < 0 || items_[static_cast<size_t>(open_)]["type"] != "reasoning") {
    open_part(Part::kReasoning, out);
  }
  Json& item = items_[static_cast<size_t>(open_)];
  if (!event.signature.empty()) item["signature"] = event.signature;
  if (!event.encrypted.empty()) item["encrypted_content"] = event.encrypted;
  close_item("completed", out);
}

void ResponsesWriter::add_call(const ToolEvent& event, std::string& out) {
  auto at = calls_.find(event.index);
  if (at == calls_.end()) {
    close_item("completed", out);
    const std::string uuid = identity_.id.substr(identity_.id.find('_') + 1);
    Json item{
        {"type", "function_call"},
        {"call_id", event.id.empty() ? fmt::format("call_{}_{}", uuid, event.index) : event.id},
        {"name", event.name},
        {"arguments", ""}};
    at = calls_.emplace(event.index, Call{open_item("fc", std::move(item), out), {}}).first;
  }
  Json& item = items_[static_cast<size_t>(at->second.item)];
  if (!event.signature.empty()) item["signature"] = event.signature;
  if (event.arguments.empty()) return;
  at->second.arguments += event.arguments;
  Json members = place(at->second.item);
  members["delta"] = event.arguments;
  emit("response.function_call_arguments.delta", std::move(members), out);
}

void ResponsesWriter::close_calls(std::string_view status, std::string& out) {
  for (auto& [index, call] : std::exchange(calls_, {})) {
    Json& item = items_[static_cast<size_t>(call.item)];
    item["arguments"] = call.arguments;
    Json members = place(call.item);
    members["name"] = item["name"];
    members["arguments"] = std::move(call.arguments);
    emit("response.function_call_arguments.done", std::move(members), out);
    done_item(call.item, status, out);
  }
}

void ResponsesWriter::end(const FinishedEvent& finished, std::string& out) {
  begin(out);
  if (finished.reason == FinishReason::kLength) {
    incomplete_ = Json{{"reason", "max_output_tokens"}};
  } else if (finished.reason == FinishReason::kContentFilter) {
    incomplete_ = Json{{"reason", "content_filter"}};
  }
  if (!incomplete_.is_null()) end_status_ = "incomplete";
  close_calls(end_status_, out);
  close_item(end_status_, out);
}

void ResponsesWriter::add(int index, Event event, std::string& out) {
  if (const auto* text = std::get_if<TextEvent>(&event)) {
    add_piece(Part::kText, text->text, text->logprobs, out);
    if (!text->signature.empty()) signature_ = text->signature;
  } else if (std::holds_alternative<StartedEvent>(event)) {
    begin(out);
  } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
    add_reasoning(*reasoning, out);
  } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
    add_piece(Part::kRefusal, refusal->text, {}, out);
  } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
    add_call(*tool, out);
  } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
    count(index, call_.n, *usage);
  } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
    end(*finished, out);
  }
}

void ResponsesWriter::finish(std::string& out) {
  Json response = response_json(end_status_);
  response["usage"] = usage_of(usage_);
  const std::string body = dump_json(response);
  if (call_.keep) call_.keep(body, dump_json(items_));
  if (!call_.stream) {
    out += body;
  } else {
    emit("response." + end_status_, Json{{"response", std::move(response)}}, out);
  }
}

bool ResponsesWriter::fail(const wire::CallError& error, std::string& out) {
  if (!call_.stream || !begun_) return false;
  close_calls("incomplete", out);
  close_item("incomplete", out);
  Json response = response_json("failed");
  response["error"] = Json{{"code", code_of(error)}, {"message", error.message}};
  emit("response.failed", Json{{"response", std::move(response)}}, out);
  return true;
}

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_responses_writer(const wire::Call& call,
                                                          wire::AnswerIdentity identity) {
  return std::make_unique<ResponsesWriter>(call, std::move(identity));
}

}  // namespace overtake::openai
