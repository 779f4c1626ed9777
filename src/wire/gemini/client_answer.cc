// Reads the answers of generateContent and streamGenerateContent back into events. Each piece of a
// stream is a whole answer's object, and nothing but the last one's finishReason tells the end.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/gemini/client.h"
#include "wire/gemini/client_parts.h"
#include "wire/gemini/grounding.h"
#include "wire/json_answer_reader.h"
#include "wire/text_index.h"
#include "wire/upstream_answer.h"

namespace overtake::gemini {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

constexpr std::string_view kApi = "Gemini's generateContent";

class Reader : public wire::JsonAnswerReader {
 public:
  explicit Reader(wire::AnswerFraming framing) : JsonAnswerReader(framing, kApi) {}

 private:
  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override;
  Status end(std::vector<Event>* out) override;
  bool has_ended() const override { return started_ && !reason_.empty() && has_usage_; }
  Status take_answer(const Json& json, std::vector<Event>* out);
  Status take_candidate(const Json& candidate, std::vector<Event>* out);
  Status take_parts(const Json& parts, std::vector<Event>* out);
  void take_usage(const Json& usage);
  void tell_others(const char* owner, Json others, std::vector<Event>* out);
  void fail(FailedEvent failed, std::vector<Event>* out);

  bool started_ = false;
  int n_calls_ = 0;
  std::string reason_;
  std::string reason_words_;
  bool was_blocked_ = false;
  bool has_usage_ = false;
  wire::TextIndex text_;
  Json usage_others_ = Json::object();
  UsageEvent usage_;
};

void Reader::fail(FailedEvent failed, std::vector<Event>* out) {
  close();
  out->push_back(std::move(failed));
}

// Theirs counts thoughts, and what its own tools gave it to read, apart; ours does not.
void Reader::take_usage(const Json& usage) {
  has_usage_ = true;
  usage_.prompt_tokens =
      count_member(usage, "promptTokenCount") + count_member(usage, "toolUsePromptTokenCount");
  usage_.cached_tokens =
      std::min(count_member(usage, "cachedContentTokenCount"), usage_.prompt_tokens);
  usage_.reasoning_tokens = count_member(usage, "thoughtsTokenCount");
  usage_.completion_tokens = count_member(usage, "candidatesTokenCount") + usage_.reasoning_tokens;
  usage_others_ = wire::other_members(
      usage, {"promptTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount",
              "thoughtsTokenCount", "candidatesTokenCount", "totalTokenCount"});
}

Status Reader::take_parts(const Json& parts, std::vector<Event>* out) {
  if (!parts.is_array()) return damaged("parts that are no array");
  for (const Json& part : parts) {
    auto event = read_part(part, n_calls_);
    if (!event.ok()) return damaged(event.error().message);
    if (!*event) continue;
    n_calls_ += std::holds_alternative<ToolEvent>(**event);
    if (const auto* text = std::get_if<TextEvent>(&**event)) text_.add(text->text);
    out->push_back(std::move(**event));
  }
  return {};
}

// Before what comes with them, as the writer of this dialect puts them into the next piece.
void Reader::tell_others(const char* owner, Json others, std::vector<Event>* out) {
  if (others.empty()) return;
  Json members;
  members[owner] = std::move(others);
  VendorEvent event;
  event.kind = VendorEvent::Kind::kMembers;
  event.dialect = client_dialect.name;
  event.json = dump_json(members);
  out->push_back(std::move(event));
}

Status Reader::take_candidate(const Json& candidate, std::vector<Event>* out) {
  if (!candidate.is_object()) return damaged("a candidate that is no object");
  if (count_member(candidate, "index") != 0) return damaged("a candidate that nobody asked for");
  tell_others("candidate",
              wire::other_members(candidate, {"content", "finishReason", "index", "tokenCount",
                                              "avgLogprobs", "logprobsResult"}),
              out);
  const size_t n_before = out->size();
  const Json* content = member(candidate, "content");
  const Json* parts = content ? member(*content, "parts") : nullptr;
  if (parts) TRY(take_parts(*parts, out));
  std::vector<TokenLogprob> logprobs = read_logprobs(candidate);
  if (!logprobs.empty()) {
    // They belong to the text that came with them.
    const bool has_text = out->size() > n_before && std::holds_alternative<TextEvent>(out->back());
    if (!has_text) out->push_back(TextEvent{});
    std::get<TextEvent>(out->back()).logprobs = std::move(logprobs);
  }
  read_citations(candidate, text_, out);
  const std::string reason = string_member(candidate, "finishReason");
  if (!reason.empty() && reason != "FINISH_REASON_UNSPECIFIED") {
    reason_ = reason;
    reason_words_ = string_member(candidate, "finishMessage");
  }
  return {};
}

Status Reader::take_answer(const Json& json, std::vector<Event>* out) {
  if (!json.is_object()) return damaged("an answer that is no object");
  if (member(json, "error")) {
    fail(read_error_json(json, 0), out);
    return {};
  }
  const Json* candidates = member(json, "candidates");
  const Json* usage = member(json, "usageMetadata");
  const Json* feedback = member(json, "promptFeedback");
  if (!candidates && !usage && !feedback) return damaged("an answer without candidates");
  if (candidates && !candidates->is_array()) return damaged("candidates that are no array");
  if (usage && usage->is_object()) take_usage(*usage);
  if (!std::exchange(started_, true)) {
    out->push_back(StartedEvent{string_member(json, "modelVersion"),
                                usage_.prompt_tokens,
                                {},
                                string_member(json, "responseId")});
  }
  tell_others("answer",
              wire::other_members(
                  json, {"candidates", "usageMetadata", "modelVersion", "responseId", "error"}),
              out);
  for (size_t i = 0; candidates && i < candidates->size() && !is_closed(); ++i) {
    TRY(take_candidate((*candidates)[i], out));
  }
  const std::string blocked = feedback ? string_member(*feedback, "blockReason") : "";
  if (!blocked.empty() && blocked != "BLOCKED_REASON_UNSPECIFIED") {
    was_blocked_ = true;
    reason_ = blocked;
  }
  return {};
}

// A stream that was asked for as events and came as an array is one of answers.
Status Reader::take(std::string_view, const Json& json, std::vector<Event>* out) {
  if (!json.is_array()) return take_answer(json, out);
  for (size_t i = 0; i < json.size() && !is_closed(); ++i) TRY(take_answer(json[i], out));
  return {};
}

Status Reader::end(std::vector<Event>* out) {
  if (!started_ || reason_.empty()) return damaged("it ended without a finishReason");
  const auto reason = was_blocked_ ? FinishReason::kContentFilter : finish_reason_of(reason_);
  if (!reason) {
    UpstreamFault fault;
    fault.code = reason_;
    std::string words = fmt::format("the model's answer broke off ({})", reason_);
    if (!reason_words_.empty()) words += ": " + reason_words_;
    fail(wire::upstream_failure(0, std::move(fault), std::move(words)), out);
    return {};
  }
  close();
  tell_others("usage", std::move(usage_others_), out);
  out->push_back(usage_);
  const bool calls = *reason == FinishReason::kStop && n_calls_ > 0;
  out->push_back(FinishedEvent{calls ? FinishReason::kToolCalls : *reason, {}, reason_});
  return {};
}

// Google breaks a stream of events off with an error that is no event but bare JSON, and some
// servers ignore ?alt=sse: lines that begin so are no part of any event.
class StreamReader : public wire::AnswerReader {
 public:
  Status feed(std::string_view bytes, std::vector<Event>* out) override {
    const size_t n_before = out->size();
    const size_t n_events = is_bare_ ? 0 : find_bare(bytes);
    if (n_events > 0) TRY(events_.feed(bytes.substr(0, n_events), out));
    if (n_events < bytes.size()) {
      is_bare_ = true;
      TRY(bare_.feed(bytes.substr(n_events), out));
    }
    note(*out, n_before);
    return {};
  }

  Status finish(std::vector<Event>* out) override {
    if (is_over_) return {};
    if (!is_bare_) return events_.finish(out);
    std::vector<Event> rest;
    TRY(bare_.finish(&rest));
    const bool failed = !rest.empty() && std::holds_alternative<FailedEvent>(rest.front());
    if (has_begun_ && !failed) {
      return wire::damaged_answer(kApi, "an answer within another");
    }
    for (Event& event : rest) out->push_back(std::move(event));
    return {};
  }

  bool is_complete() const override { return !is_over_ && !is_bare_ && events_.is_complete(); }

 private:
  // How many bytes go before the first line that begins as JSON does.
  size_t find_bare(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (is_line_start_ && (c == '{' || c == '[')) return i;
      is_line_start_ = c == '\n' || c == '\r';
    }
    return bytes.size();
  }
  void note(const std::vector<Event>& events, size_t n_before) {
    has_begun_ = has_begun_ || events.size() > n_before;
    is_over_ = is_over_ || (events.size() > n_before && is_last(events.back()));
  }

  Reader events_{wire::AnswerFraming::kEvents};
  Reader bare_{wire::AnswerFraming::kWhole};
  bool is_line_start_ = true;
  bool is_bare_ = false;
  bool has_begun_ = false;
  bool is_over_ = false;  // the last event is out
};

}  // namespace

std::unique_ptr<wire::AnswerReader> make_reader(bool stream) {
  if (stream) return std::make_unique<StreamReader>();
  return std::make_unique<Reader>(wire::AnswerFraming::kWhole);
}

}  // namespace overtake::gemini
