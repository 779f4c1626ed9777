// The answer of POST /v1/completions, whole and as chunks.
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/openai/answer_parts.h"

namespace overtake::openai {
namespace {

class CompletionAnswer : public wire::AnswerWriter {
 public:
  CompletionAnswer(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call), identity_(std::move(identity)), choices_(call.n_choices()) {
    for (Choice& choice : choices_) choice.logprobs.wanted = call.request.top_logprobs >= 0;
  }

  void add(int index, Event event, std::string& out) override {
    Choice& choice = choices_[static_cast<size_t>(index)];
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      choice.text += text->text;
      if (choice.logprobs.wanted) choice.logprobs.add(text->logprobs, false);
      if (call_.stream) chunk(index, nullptr, out);
    } else if (const auto* started = std::get_if<StartedEvent>(&event)) {
      if (call_.echo) echo(index, *started, out);
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      count(index, call_.n, *usage);
    } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
      choice.reason = finished->reason;
      if (call_.stream) chunk(index, finish_reason_name(choice.reason), out);
    }
  }

  void finish(std::string& out) override {
    if (call_.stream) {
      if (call_.include_usage) {
        Json last = envelope_json(identity_, "text_completion");
        last["choices"] = Json::array();
        last["usage"] = usage_json(usage_);
        append_event(last, out);
      }
      out += "data: [DONE]\n\n";
      return;
    }
    Json body = envelope_json(identity_, "text_completion");
    Json& list = body["choices"] = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) {
      list.push_back(choice_json(static_cast<int>(i), finish_reason_name(choices_[i].reason)));
    }
    body["usage"] = usage_json(usage_);
    out += dump_json(body);
  }

 private:
  struct Choice {
    std::string text;  // of a stream: what the next chunk carries
    CompletionLogprobs logprobs;
    FinishReason reason = FinishReason::kStop;
  };

  void echo(int index, const StartedEvent& started, std::string& out) {
    Choice& choice = choices_[static_cast<size_t>(index)];
    const Prompt& prompt = call_.prompts[static_cast<size_t>(index / call_.n)];
    if (const auto* text = std::get_if<TextPrompt>(&prompt)) {
      choice.text += text->text;
    } else {
      for (const TokenLogprob& token : started.prompt_logprobs) choice.text += token.bytes;
    }
    if (choice.logprobs.wanted) choice.logprobs.add(started.prompt_logprobs, true);
    if (call_.stream) chunk(index, nullptr, out);
  }

  Json choice_json(int index, Json finish_reason) {
    Choice& choice = choices_[static_cast<size_t>(index)];
    Json out;
    out["text"] = std::exchange(choice.text, {});
    out["index"] = index;
    out["logprobs"] = choice.logprobs.take();
    out["finish_reason"] = std::move(finish_reason);
    return out;
  }

  void chunk(int index, Json finish_reason, std::string& out) {
    Json body = envelope_json(identity_, "text_completion");
    body["choices"] = Json::array({choice_json(index, std::move(finish_reason))});
    if (call_.include_usage) body["usage"] = nullptr;
    append_event(body, out);
  }

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  std::vector<Choice> choices_;
};

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_completion_writer(const wire::Call& call,
                                                           wire::AnswerIdentity identity) {
  return std::make_unique<CompletionAnswer>(call, std::move(identity));
}

}  // namespace overtake::openai
