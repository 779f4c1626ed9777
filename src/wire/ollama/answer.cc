#include "wire/ollama/answer.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"

namespace overtake::ollama {
namespace {

using Clock = std::chrono::steady_clock;

int64_t ns_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

Json logprobs_json(const std::vector<TokenLogprob>& tokens) {
  const auto entry = [](const std::string& bytes, double logprob) {
    Json out{{"token", bytes}, {"logprob", logprob}};
    Json& list = out["bytes"] = Json::array();
    for (const char byte : bytes) list.push_back(static_cast<uint8_t>(byte));
    return out;
  };
  Json out = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json one = entry(token.bytes, token.logprob);
    for (const auto& other : token.top) {
      one["top_logprobs"].push_back(entry(other.bytes, other.logprob));
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string_view done_reason(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContentFilter:
      return "content_filter";
    case FinishReason::kRefusal:
      return "refusal";
    default:
      return "stop";  // Ollama's word for tool calls too
  }
}

Json envelope(const wire::AnswerIdentity& identity) {
  return Json{{"model", identity.model}, {"created_at", utc_time(identity.created_s)}};
}

// What has been said since the last line.
struct Piece {
  std::string text;
  std::string thinking;
  Json tool_calls = Json::array();
  std::vector<TokenLogprob> logprobs;

  bool empty() const {
    return text.empty() && thinking.empty() && tool_calls.empty() && logprobs.empty();
  }
};

// Chat and generate differ in where a piece stands; a whole answer is one line with everything.
class Writer : public wire::AnswerWriter {
 public:
  Writer(const wire::Call& call, wire::AnswerIdentity identity, bool chat)
      : call_(call), identity_(std::move(identity)), chat_(chat) {}

  void add(int index, Event event, std::string& out) override {
    const auto* tool = std::get_if<ToolEvent>(&event);
    const auto* finished = std::get_if<FinishedEvent>(&event);
    // The length may have cut a call in two; "length" tells so.
    if (finished && finished->reason == FinishReason::kLength) drop_broken_tools();
    if (!tool && !std::holds_alternative<UsageEvent>(event)) end_tools();
    if (auto* text = std::get_if<TextEvent>(&event)) {
      note_first();
      piece_.text += text->text;
      for (auto& entry : text->logprobs) piece_.logprobs.push_back(std::move(entry));
    } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
      note_first();
      piece_.thinking += reasoning->text;
    } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
      piece_.text += refusal->text;
    } else if (tool) {
      add_tool(*tool);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
      times_ = *usage;
    } else if (finished) {
      reason_ = finished->reason;
    }
    if (call_.stream && !piece_.empty() && !fault_) write_line(false, out);
  }

  void finish(std::string& out) override { write_line(true, out); }

 private:
  void note_first() {
    if (first_ns_ == 0) first_ns_ = std::max<int64_t>(ns_since(start_), 1);
  }

  // A call stands in one line, so its fragments wait for the last one.
  void add_tool(const ToolEvent& event) {
    note_first();
    ToolCall& tool = tools_[event.index];
    tool.id += event.id;
    tool.name += event.name;
    tool.arguments += event.arguments;
  }

  void end_tools() {
    for (const auto& [index, tool] : std::exchange(tools_, {})) {
      auto arguments = arguments_object(tool.name, tool.arguments);
      if (!arguments) return;
      Json call = Json::object();
      if (!tool.id.empty()) call["id"] = tool.id;
      call["function"] =
          Json{{"index", index}, {"name", tool.name}, {"arguments", std::move(*arguments)}};
      piece_.tool_calls.push_back(std::move(call));
    }
  }

  void drop_broken_tools() {
    std::erase_if(tools_, [](const auto& entry) {
      return !parse_json(entry.second.arguments, "arguments").ok();
    });
  }

  void write_line(bool done, std::string& out) {
    Json line = envelope(identity_);
    if (chat_) {
      Json& message = line["message"] = Json{{"role", "assistant"}, {"content", piece_.text}};
      if (!piece_.thinking.empty()) message["thinking"] = piece_.thinking;
      if (!piece_.tool_calls.empty()) message["tool_calls"] = std::move(piece_.tool_calls);
    } else {
      line["response"] = piece_.text;
      if (!piece_.thinking.empty()) line["thinking"] = piece_.thinking;
    }
    if (!piece_.logprobs.empty()) line["logprobs"] = logprobs_json(piece_.logprobs);
    line["done"] = done;
    if (done) add_ending(line);
    piece_ = Piece();
    out += dump_json(line);
    if (call_.stream) out += '\n';
  }

  // Clients divide tokens by these times: none is 0. A model that does not say how long it read
  // and wrote (a remote one) is timed here.
  void add_ending(Json& line) const {
    const int64_t total = std::max<int64_t>(ns_since(start_), 1);
    const bool told = times_.prefill_us > 0 && times_.decode_us > 0;
    const int64_t first = std::clamp<int64_t>(first_ns_, 1, total);
    const int64_t reading = told ? times_.prefill_us * 1000 : first;
    const int64_t writing = told ? times_.decode_us * 1000 : std::max<int64_t>(total - first, 1);
    line["done_reason"] = done_reason(reason_);
    line["total_duration"] = std::max(total, reading + writing);
    line["load_duration"] = 0;
    line["prompt_eval_count"] = usage_.prompt_tokens;
    line["prompt_eval_duration"] = reading;
    line["eval_count"] = usage_.completion_tokens;
    line["eval_duration"] = writing;
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  const bool chat_;
  const Clock::time_point start_ = Clock::now();
  int64_t first_ns_ = 0;
  Piece piece_;
  std::map<int, ToolCall> tools_;  // whose arguments may still come, side by side
  UsageEvent times_;
  FinishReason reason_ = FinishReason::kStop;
};

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_chat_writer(const wire::Call& call,
                                                     wire::AnswerIdentity identity) {
  return std::make_unique<Writer>(call, std::move(identity), true);
}

std::unique_ptr<wire::AnswerWriter> make_generate_writer(const wire::Call& call,
                                                         wire::AnswerIdentity identity) {
  return std::make_unique<Writer>(call, std::move(identity), false);
}

std::string load_answer(bool chat, const wire::AnswerIdentity& identity) {
  Json line = envelope(identity);
  if (chat) {
    line["message"] = Json{{"role", "assistant"}, {"content", ""}};
  } else {
    line["response"] = "";
  }
  line["done"] = true;
  line["done_reason"] = "load";
  return dump_json(line);
}

std::string utc_time(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

}  // namespace overtake::ollama
