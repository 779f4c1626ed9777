#include "wire/anthropic/client_blocks.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "wire/anthropic/client_content.h"
#include "wire/text_index.h"
#include "wire/upstream_answer.h"

namespace overtake::anthropic {

using wire::member;
using wire::string_member;

BlockReader::BlockReader() = default;
BlockReader::~BlockReader() = default;

void BlockReader::open_tool(const Json& content, std::vector<Event>* out) {
  ToolEvent event{n_tools_++, string_member(content, "id"), string_member(content, "name"), {}};
  const Json* input = member(content, "input");
  has_input_ = input && input->is_object() && !input->empty();
  if (has_input_) event.arguments = dump_json(*input);
  out->push_back(std::move(event));
}

void BlockReader::open(const Json& content, std::vector<Event>* out) {
  const std::string type = string_member(content, "type");
  const bool after_text = std::exchange(after_text_, type == "text");
  if (type == "text") {
    block_ = Block::kText;
    begins_part_ = after_text;
    text_begin_ = n_characters_;
    add_text(string_member(content, "text"), out);
    const Json* citations = member(content, "citations");
    for (size_t i = 0; citations && citations->is_array() && i < citations->size(); ++i) {
      add_citation(&(*citations)[i]);
    }
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
    open_tool(content, out);
  } else {
    block_ = Block::kVendor;
    vendors_ = std::make_unique<Json>(content.is_object() ? content : Json::object());
    vendors_input_.clear();
  }
}

void BlockReader::add_text(std::string text, std::vector<Event>* out) {
  if (text.empty()) return;
  n_characters_ += wire::count_characters(text);
  TextEvent event{std::move(text), {}};
  event.begins_part = std::exchange(begins_part_, false);
  out->push_back(std::move(event));
}

void BlockReader::add_citation(const Json* citation) {
  const bool fits = citation && citation->is_object() && ++n_citations_ <= wire::kMaxCitations;
  if (fits) citations_.push_back(*citation);
}

// Kinds that are not known yet are left out; what belongs to another kind of block is damage.
const char* BlockReader::take(const Json& delta, std::vector<Event>* out) {
  if (block_ == Block::kVendor) return take_vendors(delta);
  const std::string type = string_member(delta, "type");
  const auto in = [&](Block block) { return block_ == block; };
  std::string text;
  if (type == "text_delta" && in(Block::kText)) {
    add_text(string_member(delta, "text"), out);
  } else if (type == "citations_delta" && in(Block::kText)) {
    add_citation(member(delta, "citation"));
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
    return "a piece that does not fit its block";
  }
  return nullptr;
}

// Pieces of an input are JSON; those of all else go to the end of the member that they name.
const char* BlockReader::take_vendors(const Json& delta) {
  if (!delta.is_object() || delta.size() > kMaxOthers || vendors_->size() > kMaxOthers) {
    return "a piece of a block with more members than any should have";
  }
  if (string_member(delta, "type") == "input_json_delta") {
    vendors_input_ += string_member(delta, "partial_json");
    return nullptr;
  }
  for (const auto& [key, value] : delta.items()) {
    if (key == "type") continue;
    Json& place = (*vendors_)[key];
    if (place.is_string() && value.is_string()) {
      place.get_ref<std::string&>() += value.get_ref<const std::string&>();
    } else {
      place = value;
    }
  }
  return nullptr;
}

// A citation is of all its block's text, so it is told when the block has ended.
void BlockReader::close_text(std::vector<Event>* out) {
  if (!citations_.empty() && begins_part_) {
    TextEvent nothing;  // which the citations are of all the same
    nothing.begins_part = std::exchange(begins_part_, false);
    out->push_back(std::move(nothing));
  }
  for (const Json& citation : citations_) {
    CitationEvent event;
    event.url = string_member(citation, "url");
    const std::string source = string_member(citation, "source");  // of a client's own search
    if (event.url.empty() && source.starts_with("http")) event.url = source;
    event.title = string_member(citation, "title");
    if (event.title.empty()) event.title = string_member(citation, "document_title");
    event.quote = string_member(citation, "cited_text");
    event.begin = text_begin_;
    event.end = n_characters_;
    event.native = dump_json(citation);
    out->push_back(std::move(event));
  }
  citations_.clear();
}

// An input that was cut by the answer's bound is no JSON; there is no use in a block without it.
void BlockReader::close_vendors(std::vector<Event>* out) {
  if (!vendors_input_.empty()) {
    auto input = parse_json(vendors_input_, "input");
    if (!input.ok() || !input->is_object()) return;
    (*vendors_)["input"] = std::move(*input);
  }
  if (string_member(*vendors_, "type").empty()) return;
  VendorEvent event;
  event.dialect = kDialectName;
  event.json = dump_json(*vendors_);
  out->push_back(std::move(event));
}

void BlockReader::close(std::vector<Event>* out) {
  if (block_ == Block::kTool && !has_input_) {  // not a word of input: an empty one
    out->push_back(ToolEvent{n_tools_ - 1, {}, {}, "{}"});
  }
  if (block_ == Block::kText) close_text(out);
  if (block_ == Block::kVendor) close_vendors(out);
  block_ = Block::kNone;
  ++n_closed_;
}

}  // namespace overtake::anthropic
