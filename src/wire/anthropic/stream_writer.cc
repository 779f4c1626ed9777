// The streamed answer of POST /v1/messages: named events, one block after the other.
#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "wire/anthropic/answer.h"
#include "wire/anthropic/answer_parts.h"
#include "wire/anthropic/body_writer.h"
#include "wire/anthropic/client_content.h"

namespace overtake::anthropic {
namespace {

void append_event(std::string_view name, const Json& data, std::string& out) {
  out.append("event: ").append(name).append("\ndata: ").append(dump_json(data)).append("\n\n");
}

// Clients read one block at a time, but models may write several tool calls side by side: those
// that come while another's arguments are not whole yet wait for it.
class StreamWriter : public wire::AnswerWriter {
 public:
  StreamWriter(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call), identity_(std::move(identity)) {}

  void add(int index, Event event, std::string& out) override {
    if (const auto* started = std::get_if<StartedEvent>(&event)) {
      begin(started->prompt_tokens, out);
    } else if (const auto* text = std::get_if<TextEvent>(&event)) {
      if (text->begins_part && block_ == Block::kText) close(out);
      add_text(text->text, out);
    } else if (const auto* citation = std::get_if<CitationEvent>(&event)) {
      add_citation(*citation, out);
    } else if (const auto* vendors = std::get_if<VendorEvent>(&event)) {
      add_vendors(*vendors, out);
    } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
      add_text(refusal->text, out);  // stop_reason tells what it is
    } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
      add_reasoning(*reasoning, out);
    } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
      add_tool(*tool, out);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
    } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
      end(*finished, out);
    }
  }

  void finish(std::string& out) override {
    append_event("message_stop", Json{{"type", "message_stop"}}, out);
  }

 private:
  enum class Block { kNone, kText, kThinking, kTool, kVendor };
  struct Tool {
    std::string id;
    std::string name;
    std::string arguments;  // all that have come
    bool closed = false;
  };

  void begin(int64_t prompt_tokens, std::string& out) {
    if (std::exchange(begun_, true)) return;
    wire::UsageTotals usage;  // what a cache gave is known at the end
    usage.prompt_tokens = prompt_tokens;
    append_event("message_start",
                 Json{{"type", "message_start"}, {"message", message_json(identity_, usage)}}, out);
  }

  void open(Block kind, const Json& content_block, std::string& out) {
    begin(0, out);
    close(out);
    block_ = kind;
    append_event("content_block_start",
                 Json{{"type", "content_block_start"},
                      {"index", n_blocks_},
                      {"content_block", content_block}},
                 out);
  }

  void delta(const char* type, const char* member, const Json& value, std::string& out) {
    append_event("content_block_delta",
                 Json{{"type", "content_block_delta"},
                      {"index", n_blocks_},
                      {"delta", Json{{"type", type}, {member, value}}}},
                 out);
  }

  void close(std::string& out) {
    if (block_ == Block::kNone) return;
    if (block_ == Block::kTool) {
      tools_[tool_].closed = true;
      check(tools_[tool_]);
    }
    block_ = Block::kNone;
    append_event("content_block_stop", Json{{"type", "content_block_stop"}, {"index", n_blocks_}},
                 out);
    ++n_blocks_;
  }

  // Clients make an object of what has come: what is none must not pass for an answer, unless
  // "max_tokens" tells that the length has cut it.
  void check(const Tool& tool) {
    if (!cut_) (void)arguments_object(tool.name, tool.arguments);
  }

  void add_text(const std::string& text, std::string& out) {
    if (text.empty()) return;
    flush_tools(out);
    open_text(out);
    delta("text_delta", "text", text, out);
  }

  void open_text(std::string& out) {
    if (block_ == Block::kText) return;
    open(Block::kText, Json{{"type", "text"}, {"text", ""}, {"citations", nullptr}}, out);
  }

  void add_citation(const CitationEvent& event, std::string& out) {
    const auto citation = citation_json(event);
    if (!citation) return;
    flush_tools(out);
    open_text(out);
    delta("citations_delta", "citation", *citation, out);
  }

  // An input comes in pieces, all else is whole at the block's beginning.
  void add_vendors(const VendorEvent& event, std::string& out) {
    if (event.dialect != kDialectName) return;
    if (event.kind == VendorEvent::Kind::kMembers) {
      members_ = event.json;
      return;
    }
    auto parsed = parse_json(event.json, "block");
    if (!parsed.ok() || !parsed->is_object()) return;
    flush_tools(out);
    Json input;
    if (const auto at = parsed->find("input"); at != parsed->end() && at->is_object()) {
      input = std::exchange(*at, Json::object());
    }
    open(Block::kVendor, *parsed, out);
    if (!input.empty()) delta("input_json_delta", "partial_json", dump_json(input), out);
    close(out);
  }

  void add_reasoning(const ReasoningEvent& event, std::string& out) {
    flush_tools(out);
    if (!event.text.empty() || !event.signature.empty()) {
      if (block_ != Block::kThinking) {
        open(Block::kThinking, Json{{"type", "thinking"}, {"thinking", ""}, {"signature", ""}},
             out);
      }
      const bool shown = call_.request.reasoning.shown.value_or(true);
      if (shown && !event.text.empty()) delta("thinking_delta", "thinking", event.text, out);
      if (!event.signature.empty()) {
        delta("signature_delta", "signature", event.signature, out);
        close(out);
      }
    }
    if (!event.encrypted.empty()) {
      open(Block::kThinking, Json{{"type", "redacted_thinking"}, {"data", event.encrypted}}, out);
      close(out);
    }
  }

  void add_tool(const ToolEvent& event, std::string& out) {
    Tool& tool = tools_[event.index];
    if (!event.id.empty()) tool.id = event.id;
    if (!event.name.empty()) tool.name = event.name;
    tool.arguments += event.arguments;
    if (tool.closed) return check(tool);  // white space may still come
    const bool is_open = block_ == Block::kTool && tool_ == event.index;
    if (is_open && !event.arguments.empty()) {
      delta("input_json_delta", "partial_json", event.arguments, out);
    }
    if (!is_open && waiting_.empty() && !tool_is_open()) return open_tool(event.index, out);
    if (!is_open && std::find(waiting_.begin(), waiting_.end(), event.index) == waiting_.end()) {
      waiting_.push_back(event.index);
    }
    while (!waiting_.empty() && !tool_is_open()) open_next(out);
  }

  // Whether a tool's block is open whose arguments are not whole yet.
  bool tool_is_open() const {
    if (block_ != Block::kTool) return false;
    const std::string& arguments = tools_.at(tool_).arguments;
    return arguments.empty() || !parse_json(arguments, "arguments").ok();
  }

  void open_next(std::string& out) {
    const int index = waiting_.front();
    waiting_.pop_front();
    open_tool(index, out);
  }

  void open_tool(int index, std::string& out) {
    const Tool& tool = tools_[index];
    open(Block::kTool,
         Json{{"type", "tool_use"},
              {"id", tool.id.empty() ? tool_id(identity_, index) : tool.id},
              {"name", tool.name},
              {"input", Json::object()}},
         out);
    tool_ = index;
    if (!tool.arguments.empty()) delta("input_json_delta", "partial_json", tool.arguments, out);
  }

  void flush_tools(std::string& out) {
    while (!waiting_.empty()) open_next(out);
  }

  void end(const FinishedEvent& finished, std::string& out) {
    begin(usage_.prompt_tokens, out);
    cut_ = finished.reason == FinishReason::kLength;
    flush_tools(out);
    close(out);
    Json event;
    event["type"] = "message_delta";
    event["delta"]["stop_reason"] = stop_reason(finished, usage_, call_);
    event["delta"]["stop_sequence"] = stop_sequence_json(finished);
    event["delta"]["stop_details"] = nullptr;
    event["usage"] = usage_json(usage_);
    // Of what only Anthropic tells, these two stand in the delta.
    Json members = vendor_members(members_);
    for (const char* name : {"container", "stop_details"}) {
      const auto at = members.find(name);
      if (at == members.end()) continue;
      event["delta"][name] = std::move(*at);
      members.erase(at);
    }
    add_members(members, &event);
    append_event("message_delta", event, out);
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  bool begun_ = false;
  bool cut_ = false;  // by the length
  Block block_ = Block::kNone;
  int n_blocks_ = 0;  // that are closed
  int tool_ = 0;      // whose block is open
  std::map<int, Tool> tools_;
  std::string members_;      // that only Anthropic tells
  std::deque<int> waiting_;  // tools without a block yet
};

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_messages_writer(const wire::Call& call,
                                                         wire::AnswerIdentity identity) {
  if (!call.stream) return make_body_writer(call, std::move(identity));
  return std::make_unique<StreamWriter>(call, std::move(identity));
}

}  // namespace overtake::anthropic
