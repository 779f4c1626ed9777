// The answer of POST /v1/chat/completions, whole and as chunks.
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "wire/openai/annotations.h"
#include "wire/openai/answer_parts.h"

namespace overtake::openai {
namespace {

class ChatBody : public wire::AnswerWriter {
 public:
  ChatBody(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call), identity_(std::move(identity)), choices_(call.n_choices()) {}

  void add(int index, Event event, std::string& out) override {
    Choice& choice = choices_[static_cast<size_t>(index)];
    if (auto* text = std::get_if<TextEvent>(&event)) {
      choice.text += text->text;
      for (auto& entry : text->logprobs) choice.logprobs.push_back(std::move(entry));
    } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
      choice.reasoning += reasoning->text;
    } else if (const auto* citation = std::get_if<CitationEvent>(&event)) {
      if (auto annotation = chat_annotation(*citation)) {
        choice.annotations.push_back(std::move(*annotation));
      }
    } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
      choice.refusal += refusal->text;
    } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
      add_tool(*tool, &choice);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
    } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
      choice.reason = finished->reason;
    }
  }

  void finish(std::string& out) override {
    Json body = envelope_json(identity_, "chat.completion");
    Json& list = body["choices"] = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) list.push_back(choice_json(i));
    body["usage"] = usage_json(usage_);
    out += dump_json(body);
  }

 private:
  struct Choice {
    std::string text;
    std::string reasoning;
    std::string refusal;
    std::vector<ToolCall> tools;
    Json annotations = Json::array();
    std::vector<TokenLogprob> logprobs;
    FinishReason reason = FinishReason::kStop;
  };

  static void add_tool(const ToolEvent& event, Choice* choice) {
    const auto index = static_cast<size_t>(event.index);
    if (choice->tools.size() <= index) choice->tools.resize(index + 1);
    ToolCall& tool = choice->tools[index];
    if (!event.id.empty()) tool.id = event.id;
    if (!event.name.empty()) tool.name = event.name;
    tool.arguments += event.arguments;
  }

  Json choice_json(size_t index) const {
    const Choice& choice = choices_[index];
    Json message;
    message["role"] = "assistant";
    const bool no_text = choice.text.empty() && (!choice.tools.empty() || !choice.refusal.empty());
    message["content"] = no_text ? Json(nullptr) : Json(choice.text);
    message["refusal"] = choice.refusal.empty() ? Json(nullptr) : Json(choice.refusal);
    if (!choice.annotations.empty()) message["annotations"] = choice.annotations;
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    for (size_t i = 0; i < choice.tools.size(); ++i) {
      const ToolCall& tool = choice.tools[i];
      const int at = static_cast<int>(i);
      message["tool_calls"].push_back(Json{
          {"id", tool.id.empty() ? tool_call_id(identity_, static_cast<int>(index), at) : tool.id},
          {"type", "function"},
          {"function", Json{{"name", tool.name}, {"arguments", tool.arguments}}}});
    }
    Json out;
    out["index"] = index;
    out["message"] = std::move(message);
    out["logprobs"] =
        call_.request.top_logprobs < 0 ? Json(nullptr) : chat_logprobs_json(choice.logprobs);
    out["finish_reason"] = finish_reason_name(choice.reason);
    return out;
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  std::vector<Choice> choices_;
};

class ChatStream : public wire::AnswerWriter {
 public:
  ChatStream(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call), identity_(std::move(identity)) {
    // Everything before the choices is the same in all chunks: it is written once.
    const std::string envelope = dump_json(envelope_json(identity_, "chat.completion.chunk"));
    head_ = "data: " + envelope.substr(0, envelope.size() - 1) + ",\"choices\":[{\"index\":";
    tail_ = call.include_usage ? "}],\"usage\":null}\n\n" : "}]}\n\n";
  }

  void add(int index, Event event, std::string& out) override {
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      add_text(index, *text, out);
    } else if (std::holds_alternative<StartedEvent>(event)) {
      chunk(index, R"({"role":"assistant","content":"","refusal":null})", "null", out);
    } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
      if (reasoning->text.empty()) return;  // a signature, which this dialect has no place for
      chunk(index, dump_json(Json{{"reasoning_content", reasoning->text}}), "null", out);
    } else if (const auto* citation = std::get_if<CitationEvent>(&event)) {
      const auto annotation = chat_annotation(*citation);
      if (!annotation) return;
      Json delta;
      delta["annotations"] = Json::array({*annotation});
      chunk(index, dump_json(delta), "null", out);
    } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
      chunk(index, dump_json(Json{{"refusal", refusal->text}}), "null", out);
    } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
      chunk(index, dump_json(tool_delta(index, *tool)), "null", out);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
    } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
      const std::string reason(finish_reason_name(finished->reason));
      chunk(index, "{}", "\"" + reason + "\"", out);
    }
  }

  void finish(std::string& out) override {
    if (call_.include_usage) {
      Json last = envelope_json(identity_, "chat.completion.chunk");
      last["choices"] = Json::array();
      last["usage"] = usage_json(usage_);
      append_event(last, out);
    }
    out += "data: [DONE]\n\n";
  }

 private:
  void add_text(int index, const TextEvent& event, std::string& out) {
    if (event.text.empty() && event.logprobs.empty()) return;
    out.append(head_).append(std::to_string(index)).append(",\"delta\":{\"content\":");
    append_json_string(event.text, out);
    out += "},\"logprobs\":";
    out += call_.request.top_logprobs < 0 ? "null" : dump_json(chat_logprobs_json(event.logprobs));
    out.append(",\"finish_reason\":null").append(tail_);
  }

  void chunk(int index, std::string_view delta, std::string_view reason, std::string& out) const {
    out.append(head_).append(std::to_string(index)).append(",\"delta\":").append(delta);
    out.append(",\"logprobs\":null,\"finish_reason\":").append(reason).append(tail_);
  }

  // Clients add up what deltas carry: id, type and name only come once.
  Json tool_delta(int choice, const ToolEvent& event) {
    Json call;
    call["index"] = event.index;
    if (begun_tools_.emplace(choice, event.index).second) {
      call["id"] = event.id.empty() ? tool_call_id(identity_, choice, event.index) : event.id;
      call["type"] = "function";
    }
    if (!event.name.empty()) call["function"]["name"] = event.name;
    call["function"]["arguments"] = event.arguments;
    Json delta;
    delta["tool_calls"] = Json::array({std::move(call)});
    return delta;
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  std::string head_;
  std::string tail_;
  std::set<std::pair<int, int>> begun_tools_;  // choice and index of those whose id is out
};

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_chat_writer(const wire::Call& call,
                                                     wire::AnswerIdentity identity) {
  if (call.stream) return std::make_unique<ChatStream>(call, std::move(identity));
  return std::make_unique<ChatBody>(call, std::move(identity));
}

}  // namespace overtake::openai
