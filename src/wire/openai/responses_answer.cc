// The answer of POST /v1/responses: one object, which a stream tells the growing of.
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/openai/error.h"
#include "wire/openai/responses.h"
#include "wire/openai/responses_object.h"
#include "wire/openai/responses_output.h"

namespace overtake::openai {
namespace {

class ResponsesWriter : public wire::AnswerWriter {
 public:
  ResponsesWriter(const wire::Call& call, wire::AnswerIdentity identity)
      : call_(call),
        identity_(std::move(identity)),
        output_({identity_.id.substr(identity_.id.find('_') + 1), call.stream,
                 call.request.top_logprobs >= 0}) {}

  void wait(std::string& out) override;
  void add(int index, Event event, std::string& out) override;
  void finish(std::string& out) override;
  bool fail(const wire::CallError& error, std::string& out) override;
  std::string so_far() const override;

 private:
  Json object(const ResponseState& state) const {
    return response_object(call_, identity_, state, output_.items());
  }
  void emit(std::string_view type, Json response, std::string& out);
  void emit_state(std::string_view type, std::string_view status, std::string& out);
  void keep(std::string_view status, const Json& response) const;
  void begin(std::string& out);
  void end(const FinishedEvent& finished, std::string& out);

  const wire::Call& call_;
  wire::AnswerIdentity identity_;
  ResponseOutput output_;
  bool waited_ = false;
  bool begun_ = false;
  std::string_view end_status_ = "completed";
  std::string_view incomplete_reason_;
};

void ResponsesWriter::emit(std::string_view type, Json response, std::string& out) {
  Json members;
  members["response"] = std::move(response);
  output_.emit(type, std::move(members), out);
}

void ResponsesWriter::emit_state(std::string_view type, std::string_view status, std::string& out) {
  if (call_.stream) emit(type, object({.status = status}), out);
}

void ResponsesWriter::keep(std::string_view status, const Json& response) const {
  if (!call_.keep) return;
  call_.keep({std::string(status), dump_json(response), dump_json(output_.items())});
}

void ResponsesWriter::wait(std::string& out) {
  waited_ = true;
  emit_state("response.created", "queued", out);
  emit_state("response.queued", "queued", out);
  keep("queued", object({.status = "queued"}));
}

void ResponsesWriter::begin(std::string& out) {
  if (std::exchange(begun_, true)) return;
  if (!waited_) emit_state("response.created", "in_progress", out);
  emit_state("response.in_progress", "in_progress", out);
  if (waited_) keep("in_progress", object({}));
}

void ResponsesWriter::end(const FinishedEvent& finished, std::string& out) {
  if (finished.reason == FinishReason::kLength) {
    incomplete_reason_ = "max_output_tokens";
  } else if (finished.reason == FinishReason::kContentFilter) {
    incomplete_reason_ = "content_filter";
  }
  if (!incomplete_reason_.empty()) end_status_ = "incomplete";
  output_.close(end_status_, out);
}

void ResponsesWriter::add(int index, Event event, std::string& out) {
  begin(out);
  if (const auto* text = std::get_if<TextEvent>(&event)) {
    output_.add_text(*text, out);
  } else if (const auto* citation = std::get_if<CitationEvent>(&event)) {
    output_.add_citation(*citation, out);
  } else if (const auto* reasoning = std::get_if<ReasoningEvent>(&event)) {
    output_.add_reasoning(*reasoning, out);
  } else if (const auto* refusal = std::get_if<RefusalEvent>(&event)) {
    output_.add_refusal(*refusal, out);
  } else if (const auto* tool = std::get_if<ToolEvent>(&event)) {
    output_.add_call(*tool, out);
  } else if (const auto* vendors = std::get_if<VendorEvent>(&event)) {
    const bool is_item = vendors->kind != VendorEvent::Kind::kMembers;
    if (is_item && vendors->dialect == kResponsesName) output_.add_vendors(*vendors, out);
  } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
    count(index, call_.n, *usage);
  } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
    end(*finished, out);
  }
}

void ResponsesWriter::finish(std::string& out) {
  Json response =
      object({.status = end_status_, .incomplete_reason = incomplete_reason_, .usage = &usage_});
  keep(end_status_, response);
  if (call_.stream) {
    emit(end_status_ == "completed" ? "response.completed" : "response.incomplete",
         std::move(response), out);
  } else {
    out += dump_json(response);
  }
}

std::string ResponsesWriter::so_far() const {
  const std::string_view status = begun_ ? "in_progress" : "queued";
  return dump_json(response_object(call_, identity_, {.status = status}, output_.items_so_far()));
}

// The API has no event for an answer that was cancelled: its stream ends with an error.
bool ResponsesWriter::fail(const wire::CallError& error, std::string& out) {
  if (!call_.stream || !(begun_ || waited_)) return false;
  output_.close("incomplete", out);
  const bool is_cancelled = waited_ && error.kind == ErrorCode::kCancelled;
  if (is_cancelled) {
    keep("cancelled", object({.status = "cancelled"}));
    output_.emit("error", responses_error_members(error), out);
    return true;
  }
  Json response = object({.status = "failed", .error = &error});
  if (waited_) keep("failed", response);
  emit("response.failed", std::move(response), out);
  return true;
}

}  // namespace

std::unique_ptr<wire::AnswerWriter> make_responses_writer(const wire::Call& call,
                                                          wire::AnswerIdentity identity) {
  return std::make_unique<ResponsesWriter>(call, std::move(identity));
}

}  // namespace overtake::openai
