#include "wire/anthropic/body_writer.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/anthropic/answer_parts.h"
#include "wire/anthropic/client_content.h"

namespace overtake::anthropic {
namespace {

// Blocks stand in the order in which their first events came.
class BodyWriter : public wire::AnswerWriter {
 public:
  BodyWriter(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call), identity_(std::move(identity)) {}

  void add(int index, Event event, std::string&) override {
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      if (text->begins_part) ended_ = true;
      add_text(text->text);
    } else if (const auto* citation = std::get_if<CitationEvent>(&event)) {
      add_citation(*citation);
    } else if (const auto* vendors = std::get_if<VendorEvent>(&event)) {
      add_vendors(*vendors);
    } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
      add_text(refusal->text);  // stop_reason tells what it is
    } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
      add_reasoning(*reasoning);
    } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
      add_tool(*tool);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
    } else if (auto* finished = std::get_if<FinishedEvent>(&event)) {
      finished_ = std::move(*finished);
    }
  }

  void finish(std::string& out) override {
    // The length may have cut a call in two; "max_tokens" tells so.
    const bool cut = finished_.reason == FinishReason::kLength;
    for (auto entry = tools_.rbegin(); entry != tools_.rend(); ++entry) {
      const Tool& tool = entry->second;
      if (cut && !parse_json(tool.arguments, "arguments").ok()) {
        blocks_.erase(tool.block);
        continue;
      }
      Json& block = blocks_[tool.block];
      auto input = arguments_object(block["name"], tool.arguments);
      if (!input) return;
      block["input"] = std::move(*input);
    }
    Json message = message_json(identity_, usage_);
    message["content"] = std::move(blocks_);
    message["stop_reason"] = stop_reason(finished_, usage_, call_);
    message["stop_sequence"] = stop_sequence_json(finished_);
    add_members(vendor_members(members_), &message);
    out += dump_json(message);
  }

 private:
  struct Tool {
    size_t block;
    std::string arguments;
  };

  // The last block if it is of this type and goes on, else a new one.
  Json& block(std::string_view type, const Json& fresh) {
    if (ended_ || blocks_.empty() || blocks_.back()["type"] != type) blocks_.push_back(fresh);
    ended_ = false;
    return blocks_.back();
  }

  static Json empty_text() { return {{"type", "text"}, {"text", ""}, {"citations", nullptr}}; }

  static void append(Json& member, const std::string& text) {
    member.get_ref<std::string&>() += text;
  }

  void add_text(const std::string& text) {
    if (text.empty()) return;
    append(block("text", empty_text())["text"], text);
  }

  void add_citation(const CitationEvent& event) {
    auto citation = citation_json(event);
    if (!citation) return;
    Json& list = block("text", empty_text())["citations"];
    if (list.is_null()) list = Json::array();
    list.push_back(std::move(*citation));
  }

  void add_vendors(const VendorEvent& event) {
    if (event.dialect != kDialectName) return;
    if (event.kind == VendorEvent::Kind::kMembers) {
      members_ = event.json;
      return;
    }
    auto block = parse_json(event.json, "block");
    if (block.ok() && block->is_object()) blocks_.push_back(std::move(*block));
  }

  void add_reasoning(const ReasoningEvent& event) {
    if (!event.text.empty() || !event.signature.empty()) {
      Json& out = block("thinking", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
      if (call_.request.reasoning.shown.value_or(true)) append(out["thinking"], event.text);
      append(out["signature"], event.signature);
      ended_ = !event.signature.empty();
    }
    if (!event.encrypted.empty()) {
      blocks_.push_back({{"type", "redacted_thinking"}, {"data", event.encrypted}});
    }
  }

  void add_tool(const ToolEvent& event) {
    auto [at, is_new] = tools_.try_emplace(event.index, Tool{blocks_.size(), {}});
    if (is_new) {
      blocks_.push_back({{"type", "tool_use"},
                         {"id", event.id.empty() ? tool_id(identity_, event.index) : event.id},
                         {"name", event.name},
                         {"input", Json::object()}});
    }
    at->second.arguments += event.arguments;
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  Json blocks_ = Json::array();
  bool ended_ = false;  // the last block has its signature
  std::map<int, Tool> tools_;
  std::string members_;  // that only Anthropic tells
  FinishedEvent finished_;
};

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_body_writer(const wire::Call& call,
                                                     wire::AnswerIdentity identity) {
  return std::make_unique<BodyWriter>(call, std::move(identity));
}

}  // namespace overtake::anthropic
