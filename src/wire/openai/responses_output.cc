#include "wire/openai/responses_output.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "wire/openai/annotations.h"
#include "wire/openai/answer_parts.h"
#include "wire/openai/responses.h"
#include "wire/text_index.h"
#include "wire/upstream_answer.h"

namespace overtake::openai {

// What the API calls a kind of part, and where its items have it.
struct ResponseOutput::PartKind {
  std::string_view item;  // its type
  const char* list;       // of the item
  const char* index;      // of an event: the part's place in the list
  std::string_view type;
  const char* text;  // of the part
  std::string_view added;
  std::string_view delta;
  std::string_view text_done;
  std::string_view done;
};

const ResponseOutput::PartKind ResponseOutput::kText = {"message",
                                                        "content",
                                                        "content_index",
                                                        "output_text",
                                                        "text",
                                                        "response.content_part.added",
                                                        "response.output_text.delta",
                                                        "response.output_text.done",
                                                        "response.content_part.done"};
const ResponseOutput::PartKind ResponseOutput::kRefusal = {"message",
                                                           "content",
                                                           "content_index",
                                                           "refusal",
                                                           "refusal",
                                                           "response.content_part.added",
                                                           "response.refusal.delta",
                                                           "response.refusal.done",
                                                           "response.content_part.done"};
const ResponseOutput::PartKind ResponseOutput::kReasoning = {"reasoning",
                                                             "content",
                                                             "content_index",
                                                             "reasoning_text",
                                                             "text",
                                                             "response.content_part.added",
                                                             "response.reasoning_text.delta",
                                                             "response.reasoning_text.done",
                                                             "response.content_part.done"};
const ResponseOutput::PartKind ResponseOutput::kSummary = {"reasoning",
                                                           "summary",
                                                           "summary_index",
                                                           "summary_text",
                                                           "text",
                                                           "response.reasoning_summary_part.added",
                                                           "response.reasoning_summary_text.delta",
                                                           "response.reasoning_summary_text.done",
                                                           "response.reasoning_summary_part.done"};

ResponseOutput::ResponseOutput(Options options) : options_(std::move(options)) {}

Json ResponseOutput::items() const { return Json(items_); }

Json ResponseOutput::items_so_far() const {
  Json out = items();
  if (part_) {
    Json& list = out[static_cast<size_t>(open_)][part_->list];
    if (list.is_null()) list = Json::array();
    list.push_back(part_json());
  }
  for (const auto& [index, call] : calls_) {
    out[static_cast<size_t>(call.item)]["arguments"] = call.arguments;
  }
  return out;
}

void ResponseOutput::emit(std::string_view type, Json members, std::string& out) {
  if (!options_.stream) return;
  Json event;
  event["type"] = type;
  event["sequence_number"] = sequence_++;
  for (auto& [key, value] : members.items()) event[key] = std::move(value);
  out.append("event: ").append(type).append("\ndata: ").append(dump_json(event)).append("\n\n");
}

Json ResponseOutput::place(int item) const {
  Json out;
  out["item_id"] = items_[static_cast<size_t>(item)]["id"];
  out["output_index"] = item;
  return out;
}

// Where the open part is, or will be.
Json ResponseOutput::part_place() {
  Json out = place(open_);
  out[part_->index] = open_item()[part_->list].size();
  return out;
}

Json ResponseOutput::part_json() const {
  Json part;
  part["type"] = part_->type;
  part[part_->text] = text_;
  if (part_ == &kText) {
    part["annotations"] = annotations_;
    part["logprobs"] = logprobs_;
    if (!signature_.empty()) part["signature"] = signature_;
  }
  return part;
}

// "msg_UUID_o0": the answer's ids and the input's never meet.
std::string ResponseOutput::make_id(std::string_view prefix) const {
  return fmt::format("{}_{}_o{}", prefix, options_.uuid, items_.size());
}

int ResponseOutput::begin_item(std::string id, Json item, std::string& out) {
  const int index = static_cast<int>(items_.size());
  item["id"] = std::move(id);
  item["status"] = "in_progress";
  items_.push_back(item);
  Json members;
  members["output_index"] = index;
  members["item"] = std::move(item);
  emit("response.output_item.added", std::move(members), out);
  return index;
}

Json& ResponseOutput::open_item() { return items_[static_cast<size_t>(open_)]; }

void ResponseOutput::done_item(int index, std::string_view status, std::string& out) {
  Json& item = items_[static_cast<size_t>(index)];
  item["status"] = status;
  Json members;
  members["output_index"] = index;
  members["item"] = item;
  emit("response.output_item.done", std::move(members), out);
}

void ResponseOutput::open_item_of(std::string_view type, std::string& out) {
  if (open_ >= 0 && open_item()["type"] == type) return;
  close_item("completed", out);
  Json item;
  item["type"] = type;
  if (type == "reasoning") {
    item["summary"] = Json::array();
    item["encrypted_content"] = nullptr;
    open_ = begin_item(with_vendors_id(make_id("rs"), reasoning_id_), std::move(item), out);
  } else {
    item["role"] = "assistant";
    item["content"] = Json::array();
    const auto more = parse_json(next_.empty() ? "{}" : std::exchange(next_, {}), "item");
    if (more.ok() && more->is_object()) wire::add_missing(*more, &item);
    open_ = begin_item(make_id("msg"), std::move(item), out);
  }
}

void ResponseOutput::open_part(const PartKind& kind, std::string& out) {
  open_item_of(kind.item, out);
  close_part(out);
  part_ = &kind;
  Json& list = open_item()[kind.list];  // what no part was written to is not there
  if (list.is_null()) list = Json::array();
  Json members = part_place();
  members["part"] = part_json();
  emit(kind.added, std::move(members), out);
}

void ResponseOutput::close_part(std::string& out) {
  if (!part_) return;
  Json members = part_place();
  Json done = members;
  done[part_->text] = text_;
  if (part_ == &kText) done["logprobs"] = logprobs_;
  emit(part_->text_done, std::move(done), out);
  members["part"] = part_json();
  open_item()[part_->list].push_back(members["part"]);
  emit(part_->done, std::move(members), out);
  part_ = nullptr;
  text_.clear();
  signature_.clear();
  logprobs_.clear();
  annotations_.clear();
}

void ResponseOutput::close_item(std::string_view status, std::string& out) {
  if (open_ < 0) return;
  close_part(out);
  done_item(std::exchange(open_, -1), status, out);
}

// `logprobs` is null where the kind has none.
void ResponseOutput::add_piece(const PartKind& kind, const std::string& piece, Json logprobs,
                               std::string& out) {
  if (part_ != &kind) open_part(kind, out);
  text_ += piece;
  Json members = part_place();
  members["delta"] = piece;
  for (const Json& entry : logprobs) logprobs_.push_back(entry);
  if (!logprobs.is_null()) members["logprobs"] = std::move(logprobs);
  emit(kind.delta, std::move(members), out);
}

void ResponseOutput::add_text(const TextEvent& event, std::string& out) {
  if (!event.text.empty() || !event.logprobs.empty()) {
    Json logprobs = Json::array();
    if (options_.logprobs) logprobs = std::move(chat_logprobs_json(event.logprobs)["content"]);
    if (part_ != &kText) text_begin_ = n_characters_;
    n_characters_ += wire::count_characters(event.text);
    add_piece(kText, event.text, std::move(logprobs), out);
  }
  if (!event.signature.empty()) signature_ = event.signature;
}

void ResponseOutput::add_citation(const CitationEvent& event, std::string& out) {
  if (part_ != &kText) return;
  auto annotation = text_annotation(event, text_begin_);
  if (!annotation) return;
  Json members = part_place();
  members["annotation_index"] = annotations_.size();
  members["annotation"] = *annotation;
  annotations_.push_back(std::move(*annotation));
  emit("response.output_text.annotation.added", std::move(members), out);
}

void ResponseOutput::add_refusal(const RefusalEvent& event, std::string& out) {
  if (!event.text.empty()) add_piece(kRefusal, event.text, nullptr, out);
}

// What proves the reasoning to its vendor has no place of its own in this API: it stands beside the
// members that have one, and comes back with the item.
void ResponseOutput::add_reasoning(const ReasoningEvent& event, std::string& out) {
  const PartKind& kind = event.is_summary ? kSummary : kReasoning;
  const bool is_open = open_ >= 0 && open_item()["type"] == "reasoning";
  if (is_open && event.id != reasoning_id_) close_item("completed", out);
  reasoning_id_ = event.id;
  if (event.begins_part && part_) close_part(out);
  if (!event.text.empty()) add_piece(kind, event.text, nullptr, out);
  if (event.signature.empty() && event.encrypted.empty()) return;
  open_item_of("reasoning", out);
  if (!event.signature.empty()) open_item()["signature"] = event.signature;
  if (!event.encrypted.empty()) open_item()["encrypted_content"] = event.encrypted;
  close_item("completed", out);
}

void ResponseOutput::add_call(const ToolEvent& event, std::string& out) {
  auto at = calls_.find(event.index);
  if (at == calls_.end()) {
    close_item("completed", out);
    Json item;
    item["type"] = "function_call";
    item["call_id"] =
        event.id.empty() ? fmt::format("call_{}_{}", options_.uuid, event.index) : event.id;
    item["name"] = event.name;
    item["arguments"] = "";
    at = calls_.emplace(event.index, Call{begin_item(make_id("fc"), std::move(item), out), {}})
             .first;
  }
  Call& call = at->second;
  if (!event.signature.empty()) {
    items_[static_cast<size_t>(call.item)]["signature"] = event.signature;
  }
  if (event.arguments.empty()) return;
  call.arguments += event.arguments;
  Json members = place(call.item);
  members["delta"] = event.arguments;
  emit("response.function_call_arguments.delta", std::move(members), out);
}

int ResponseOutput::begin_vendors(const Json& item, std::string& out) {
  const int index = static_cast<int>(items_.size());
  Json members;
  members["output_index"] = index;
  members["item"] = item;
  items_.push_back(item);
  emit("response.output_item.added", std::move(members), out);
  return index;
}

// Its ids are the vendor's, which no other item has; its places become ours.
void ResponseOutput::add_progress(Json event, std::string& out) {
  const std::string type = wire::string_member(event, "type");
  if (const Json* item = wire::member(event, "item")) {
    const std::string id = wire::string_member(*item, "id");
    if (id.empty() || vendors_.contains(id)) return;
    close_item("completed", out);
    vendors_[id] = begin_vendors(*item, out);
    return;
  }
  const auto at = vendors_.find(wire::string_member(event, "item_id"));
  if (at == vendors_.end()) return;
  event.erase("type");
  event["output_index"] = at->second;
  emit(type, std::move(event), out);
}

void ResponseOutput::add_vendors(const VendorEvent& event, std::string& out) {
  auto item = parse_json(event.json, "item");
  if (!item.ok() || !item->is_object()) return;
  if (event.kind == VendorEvent::Kind::kProgress) return add_progress(std::move(*item), out);
  close_item("completed", out);
  if (event.kind == VendorEvent::Kind::kNext) {
    next_ = event.json;
    return;
  }
  std::string id = wire::string_member(*item, "id");
  if (id.empty()) id = make_id("item");
  (*item)["id"] = id;
  const auto begun = vendors_.extract(id);
  const int index = begun.empty() ? begin_vendors(*item, out) : begun.mapped();
  items_[static_cast<size_t>(index)] = *item;
  Json members;
  members["output_index"] = index;
  members["item"] = std::move(*item);
  emit("response.output_item.done", std::move(members), out);
}

void ResponseOutput::close(std::string_view status, std::string& out) {
  for (auto& [index, call] : std::exchange(calls_, {})) {
    Json& item = items_[static_cast<size_t>(call.item)];
    item["arguments"] = call.arguments;
    Json members = place(call.item);
    members["name"] = item["name"];
    members["arguments"] = std::move(call.arguments);
    emit("response.function_call_arguments.done", std::move(members), out);
    done_item(call.item, status, out);
  }
  close_item(status, out);
}

}  // namespace overtake::openai
