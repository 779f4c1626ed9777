// Reads the answers of Ollama's chat and generate, lines of JSON or one object, back into events.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "base/uuid.h"
#include "wire/json_answer_reader.h"
#include "wire/ollama/client.h"
#include "wire/upstream_answer.h"

namespace overtake::ollama {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

constexpr int kMaxTools = 128;

// A whole answer is one line with everything. Chat and generate differ in where a piece stands.
class Reader : public wire::JsonAnswerReader {
 public:
  explicit Reader(wire::AnswerFraming framing) : JsonAnswerReader(framing, "Ollama's API") {}

 private:
  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override;
  Status end(std::vector<Event>*) override {
    return damaged("the answer ended before it said that it was done");
  }
  Status take_tools(const Json& calls, std::vector<Event>* out);
  Status take_piece(const Json& line, std::vector<Event>* out);
  void take_end(const Json& line, std::vector<Event>* out);

  bool started_ = false;
  int n_tools_ = 0;
};

// Each call is whole. Older versions give it no id, and clients of other dialects need one.
Status Reader::take_tools(const Json& calls, std::vector<Event>* out) {
  if (!calls.is_array()) return damaged("tool calls that are no array");
  for (const Json& call : calls) {
    const Json* function = member(call, "function");
    const Json* arguments = function ? member(*function, "arguments") : nullptr;
    if (arguments && !arguments->is_object()) {
      return damaged("a tool call whose arguments are no object");
    }
    ToolEvent event;
    event.index = n_tools_;
    event.id = string_member(call, "id");
    if (event.id.empty()) event.id = "call_" + make_uuid_v7();
    if (function) event.name = string_member(*function, "name");
    if (event.name.empty()) return damaged("a tool call without a name");
    if (++n_tools_ > kMaxTools) return damaged("more tool calls than any answer should have");
    event.arguments = arguments ? dump_json(*arguments) : "{}";
    out->push_back(std::move(event));
  }
  return {};
}

Status Reader::take_piece(const Json& line, std::vector<Event>* out) {
  const Json* message = member(line, "message");
  const Json* response = member(line, "response");
  const bool is_text = response && response->is_string();
  if (!is_text && !(message && message->is_object())) return damaged("a line without a message");
  if (!std::exchange(started_, true)) out->push_back(StartedEvent{string_member(line, "model")});
  const Json& holder = is_text ? line : *message;
  std::string thought = string_member(holder, "thinking");
  if (!thought.empty()) out->push_back(ReasoningEvent{std::move(thought)});
  TextEvent text{string_member(holder, is_text ? "response" : "content"),
                 wire::read_token_logprobs(member(line, "logprobs"))};
  if (!text.text.empty() || !text.logprobs.empty()) out->push_back(std::move(text));
  const Json* calls = member(holder, "tool_calls");
  return calls ? take_tools(*calls, out) : Status();
}

// Absent counts are those of a prompt that was read before.
void Reader::take_end(const Json& line, std::vector<Event>* out) {
  close();
  UsageEvent usage;
  usage.prompt_tokens = count_member(line, "prompt_eval_count");
  usage.completion_tokens = count_member(line, "eval_count");
  usage.queued_us = count_member(line, "load_duration") / 1000;
  usage.prefill_us = count_member(line, "prompt_eval_duration") / 1000;
  usage.decode_us = count_member(line, "eval_duration") / 1000;
  out->push_back(usage);
  FinishedEvent finished;
  finished.native_reason = string_member(line, "done_reason");
  const std::string& reason = finished.native_reason;
  if (reason == "length") {
    finished.reason = FinishReason::kLength;
  } else if (reason == "content_filter") {  // the last two: of another Overtake
    finished.reason = FinishReason::kContentFilter;
  } else if (reason == "refusal") {
    finished.reason = FinishReason::kRefusal;
  } else if (n_tools_ > 0) {
    finished.reason = FinishReason::kToolCalls;
  }
  out->push_back(std::move(finished));
}

Status Reader::take(std::string_view, const Json& json, std::vector<Event>* out) {
  if (!json.is_object()) return damaged("a line that is no object");
  if (member(json, "error")) {
    close();
    out->push_back(wire::upstream_failure(0, {}, string_member(json, "error")));
    return {};
  }
  TRY(take_piece(json, out));
  const Json* done = member(json, "done");
  if (done && *done == true) take_end(json, out);
  return {};
}

}  // namespace

std::unique_ptr<wire::AnswerReader> make_reader(bool stream) {
  using wire::AnswerFraming;
  return std::make_unique<Reader>(stream ? AnswerFraming::kLines : AnswerFraming::kWhole);
}

}  // namespace overtake::ollama
