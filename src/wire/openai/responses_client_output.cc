// The output items of a Responses answer, read into events.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/openai/annotations.h"
#include "wire/openai/responses.h"
#include "wire/openai/responses_client.h"
#include "wire/text_index.h"
#include "wire/upstream_answer.h"

namespace overtake::openai {
namespace {

using wire::member;
using wire::string_member;

constexpr int64_t kMaxItems = 4096;
constexpr int kMaxTools = 128;

std::vector<TokenLogprob> logprobs_of(const Json& owner) {
  return wire::read_token_logprobs(member(owner, "logprobs"));
}

// A call on whose behalf another tool makes it, or of a tool in a namespace, is OpenAI's own.
bool is_plain_call(const Json& item) {
  return !member(item, "namespace") && !member(item, "caller");
}

VendorEvent vendors(VendorEvent::Kind kind, const Json& json) {
  VendorEvent event;
  event.kind = kind;
  event.dialect = kResponsesName;
  event.json = dump_json(json);
  return event;
}

// The texts in a list of parts.
std::vector<std::string> texts_of(const Json& item, std::string_view list) {
  std::vector<std::string> out;
  const Json* parts = member(item, list);
  for (size_t i = 0; parts && parts->is_array() && i < parts->size(); ++i) {
    out.push_back(string_member((*parts)[i], "text"));
  }
  return out;
}

}  // namespace

OutputReader::OutputReader() = default;
OutputReader::~OutputReader() = default;

// ---- pieces

void OutputReader::begin_text(std::vector<Event>* out) {
  end_text(out);
  begins_part_ = has_text_;
  text_begin_ = n_characters_;
}

void OutputReader::add_text(const Json& owner, const char* name, std::vector<Event>* out) {
  TextEvent event{string_member(owner, name), logprobs_of(owner)};
  if (event.text.empty() && event.logprobs.empty()) return;
  has_text_ = true;
  n_characters_ += wire::count_characters(event.text);
  event.begins_part = std::exchange(begins_part_, false);
  out->push_back(std::move(event));
}

void OutputReader::add_refusal(std::string text, std::vector<Event>* out) {
  has_refused_ = has_refused_ || !text.empty();
  if (!text.empty()) out->push_back(RefusalEvent{std::move(text)});
}

void OutputReader::add_thought(Item& item, std::string text, bool is_summary,
                               std::vector<Event>* out) {
  if (text.empty()) return;
  ReasoningEvent event{std::move(text), {}, {}, item.id, is_summary};
  event.begins_part = std::exchange(begins_thought_, false);
  out->push_back(std::move(event));
}

void OutputReader::add_annotation(const Json& annotation) {
  const bool fits = annotation.is_object() && ++n_annotations_ <= wire::kMaxCitations;
  if (fits) annotations_.push_back(annotation);
}

void OutputReader::add_annotations(const Json* annotations) {
  if (!annotations || !annotations->is_array()) return;
  for (const Json& annotation : *annotations) add_annotation(annotation);
}

// An annotation is of all its part's text, so it is told when the part has ended.
void OutputReader::end_text(std::vector<Event>* out) {
  for (const Json& annotation : std::exchange(annotations_, {})) {
    out->push_back(text_citation(annotation, text_begin_, n_characters_));
  }
}

// ---- items

// Two messages in a row are apart, and some have a phase.
void OutputReader::begin_message(const Json& item, std::vector<Event>* out) {
  const Json others = wire::other_members(item, {"type", "id", "role", "status", "content"});
  if (after_message_ || !others.empty()) {
    out->push_back(vendors(VendorEvent::Kind::kNext, others));
  }
}

const char* OutputReader::open(Item* item, const Json& json, std::vector<Event>* out) {
  if (!json.is_object()) return "an item that is no object";
  if (++n_items_ > kMaxItems) return "more items than any answer should have";
  const std::string type = string_member(json, "type");
  item->id = string_member(json, "id");
  if (type == "message") {
    item->kind = Kind::kMessage;
    begin_message(json, out);
    begin_text(out);
  } else if (type == "reasoning") {
    item->kind = Kind::kReasoning;
    begins_thought_ = false;
  } else if (type == "function_call" && is_plain_call(json)) {
    if (n_tools_ >= kMaxTools) return "more tool calls than any answer should have";
    item->kind = Kind::kCall;
    item->tool = n_tools_++;
    std::string call_id = string_member(json, "call_id");
    if (call_id.empty()) call_id = item->id;
    out->push_back(ToolEvent{item->tool, std::move(call_id), string_member(json, "name"), {}});
  } else if (type.empty()) {
    return "an item without a type";
  }
  return nullptr;
}

// All that an item holds, where no pieces of it have come.
void OutputReader::tell(Item& item, const Json& json, std::vector<Event>* out) {
  if (item.kind == Kind::kCall) {
    std::string arguments = string_member(json, "arguments");
    if (!arguments.empty()) out->push_back(ToolEvent{item.tool, {}, {}, std::move(arguments)});
  } else if (item.kind == Kind::kReasoning) {
    for (const char* list : {"summary", "content"}) {
      for (std::string& text : texts_of(json, list)) {
        begins_thought_ = item.n_thoughts++ > 0;
        add_thought(item, std::move(text), std::string_view(list) == "summary", out);
      }
    }
  } else if (item.kind == Kind::kMessage) {
    const Json* content = member(json, "content");
    for (size_t i = 0; content && content->is_array() && i < content->size(); ++i) {
      const Json& part = (*content)[i];
      if (string_member(part, "type") == "refusal") {
        add_refusal(string_member(part, "refusal"), out);
        continue;
      }
      begin_text(out);
      add_text(part, "text", out);
      add_annotations(member(part, "annotations"));
      end_text(out);
    }
  }
}

void OutputReader::close(const Item& item, const Json& json, std::vector<Event>* out) {
  after_message_ = item.kind == Kind::kMessage;
  if (item.kind == Kind::kMessage) {
    end_text(out);
  } else if (item.kind == Kind::kReasoning) {
    std::string encrypted = string_member(json, "encrypted_content");
    if (!encrypted.empty()) {
      out->push_back(ReasoningEvent{{}, {}, std::move(encrypted), item.id, item.n_thoughts > 0});
    }
  } else if (item.kind == Kind::kVendor) {
    VendorEvent event = vendors(VendorEvent::Kind::kPart, json);
    event.is_needed = string_member(json, "type") == "image_generation_call" &&
                      !string_member(json, "result").empty();
    out->push_back(std::move(event));
  }
}

const char* OutputReader::take_whole(const Json& json, std::vector<Event>* out) {
  Item item;
  if (const char* wrong = open(&item, json, out)) return wrong;
  tell(item, json, out);
  close(item, json, out);
  return nullptr;
}

// ---- a stream's events

// Imitators leave the index out: then it is the item that began last.
OutputReader::Item* OutputReader::item_of(const Json& event) {
  const Json* index = member(event, "output_index");
  const auto at = items_.find(index ? wire::count_member(event, "output_index") : last_);
  return at == items_.end() ? nullptr : &at->second;
}

// What OpenAI's own tools are at. Places and numbers are those of its stream, not of ours.
void OutputReader::tell_progress(std::string_view type, const Json& event,
                                 std::vector<Event>* out) {
  Json told = wire::other_members(event, {"type", "sequence_number", "output_index"});
  told["type"] = "response." + std::string(type);
  out->push_back(vendors(VendorEvent::Kind::kProgress, told));
}

const char* OutputReader::begin_item(const Json& event, std::vector<Event>* out) {
  const Json* json = member(event, "item");
  if (!json) return "the beginning of an item without the item";
  const bool has_index = member(event, "output_index") != nullptr;
  const int64_t index = has_index ? wire::count_member(event, "output_index") : n_items_;
  if (items_.contains(index)) return "an item that begins twice";
  last_ = index;
  Item& item = items_[index];
  const char* wrong = open(&item, *json, out);
  if (!wrong && item.kind == Kind::kVendor) tell_progress("output_item.added", event, out);
  return wrong;
}

const char* OutputReader::end_item(const Json& event, std::vector<Event>* out) {
  const Json* json = member(event, "item");
  if (!json || !json->is_object()) return "the end of an item without the item";
  Item* item = item_of(event);
  if (!item) return "the end of an item that did not begin";
  if (!item->is_told) tell(*item, *json, out);
  close(*item, *json, out);
  std::erase_if(items_, [&](const auto& each) { return &each.second == item; });
  return nullptr;
}

// Kinds that are not known are left out; what belongs to another kind of item is damage.
const char* OutputReader::take_piece(std::string_view type, Item& item, const Json& event,
                                     std::vector<Event>* out) {
  if (item.kind == Kind::kVendor) {
    if (member(event, "item_id")) tell_progress(type, event, out);
    return nullptr;
  }
  const bool is_part = type == "content_part.added" || type == "content_part.done";
  if (is_part && item.kind != Kind::kMessage) return nullptr;  // reasoning has them too
  const bool is_summary = type == "reasoning_summary_text.delta";
  const bool is_thought = is_summary || type == "reasoning_text.delta";
  const bool is_call = type == "function_call_arguments.delta";
  const bool is_message = type == "output_text.delta" || type == "refusal.delta" ||
                          type == "output_text.annotation.added";
  if ((is_thought && item.kind != Kind::kReasoning) || (is_call && item.kind != Kind::kCall) ||
      (is_message && item.kind != Kind::kMessage)) {
    return "a piece that does not fit its item";
  }
  const size_t n_before = out->size();
  if (type == "content_part.added") {
    begin_text(out);
  } else if (type == "content_part.done") {
    const Json* part = member(event, "part");
    if (part && annotations_.empty()) add_annotations(member(*part, "annotations"));
    end_text(out);
  } else if (type == "output_text.delta") {
    add_text(event, "delta", out);
  } else if (type == "refusal.delta") {
    add_refusal(string_member(event, "delta"), out);
  } else if (type == "output_text.annotation.added") {
    if (const Json* annotation = member(event, "annotation")) add_annotation(*annotation);
  } else if (type == "reasoning_summary_part.added") {
    begins_thought_ = item.n_thoughts++ > 0;
  } else if (is_thought) {
    add_thought(item, string_member(event, "delta"), is_summary, out);
  } else if (is_call) {
    std::string piece = string_member(event, "delta");
    if (!piece.empty()) out->push_back(ToolEvent{item.tool, {}, {}, std::move(piece)});
  }
  item.is_told = item.is_told || out->size() > n_before;
  return nullptr;
}

const char* OutputReader::take(std::string_view type, const Json& event, std::vector<Event>* out) {
  if (type == "output_item.added") return begin_item(event, out);
  if (type == "output_item.done") return end_item(event, out);
  Item* item = item_of(event);
  if (item) return take_piece(type, *item, event, out);
  return type.ends_with(".delta") ? "a piece without its item" : nullptr;
}

}  // namespace overtake::openai
