// Reads the answers of POST /responses, streamed and whole, back into events.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/json_answer_reader.h"
#include "wire/openai/client.h"
#include "wire/openai/responses_client.h"
#include "wire/upstream_answer.h"

namespace overtake::openai {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

constexpr std::string_view kApi = "OpenAI's Responses";
constexpr std::string_view kPrefix = "response.";

// The status of a refusal that came within an answer; 0: OpenAI's own failure.
int status_of(std::string_view code) {
  constexpr std::string_view kTooMany[] = {"rate_limit_exceeded", "insufficient_quota"};
  constexpr std::string_view kRequests[] = {
      "context_length_exceeded",       "data_residency_mismatch",      "bio_policy",
      "misalignment_policy_violation", "unsupported_image_media_type", "empty_image_file",
      "failed_to_download_image"};
  if (std::ranges::find(kTooMany, code) != std::end(kTooMany)) return 429;
  const bool is_requests = std::ranges::find(kRequests, code) != std::end(kRequests) ||
                           code.starts_with("invalid_") || code.starts_with("image_");
  return is_requests ? 400 : 0;
}

// {"code", "message"} of a response that failed; an event has them itself, or in an "error".
FailedEvent failure_of(const Json& told) {
  const Json* inner = member(told, "error");
  const Json& error = inner && inner->is_object() ? *inner : told;
  const std::string code = string_member(error, "code");
  std::string type = string_member(error, "type");
  if (type == "error") type.clear();  // the event's
  FailedEvent out = wire::upstream_failure(status_of(code), {.type = std::move(type), .code = code},
                                           string_member(error, "message"));
  if (code == "context_length_exceeded") out.error.code = ErrorCode::kContextLength;
  return out;
}

class ResponsesReader : public wire::JsonAnswerReader {
 public:
  explicit ResponsesReader(wire::AnswerFraming framing) : JsonAnswerReader(framing, kApi) {}

 private:
  Status take(std::string_view name, const Json& json, std::vector<Event>* out) override;
  Status end(std::vector<Event>* out) override;
  Status take_event(std::string_view type, const Json& event, std::vector<Event>* out);
  Status take_end(const Json& response, std::string_view status, std::vector<Event>* out);
  Status take_output(const Json& response, std::vector<Event>* out);
  void start(const Json& response, std::vector<Event>* out);
  void fail(const Json& told, std::vector<Event>* out);
  FinishedEvent finished(const Json& response, std::string_view status) const;

  bool started_ = false;
  OutputReader output_;
};

void ResponsesReader::start(const Json& response, std::vector<Event>* out) {
  if (std::exchange(started_, true)) return;
  out->push_back(
      StartedEvent{string_member(response, "model"), 0, {}, string_member(response, "id")});
}

void ResponsesReader::fail(const Json& told, std::vector<Event>* out) {
  close();
  out->push_back(failure_of(told));
}

// Counts include cached tokens and those of reasoning, as ours do.
UsageEvent usage_of(const Json& response) {
  UsageEvent out;
  const Json* usage = member(response, "usage");
  if (!usage) return out;
  out.prompt_tokens = count_member(*usage, "input_tokens");
  out.completion_tokens = count_member(*usage, "output_tokens");
  if (const Json* details = member(*usage, "input_tokens_details")) {
    out.cached_tokens = std::min(count_member(*details, "cached_tokens"), out.prompt_tokens);
    out.cache_write_tokens =
        std::min(count_member(*details, "cache_write_tokens"), out.prompt_tokens);
  }
  if (const Json* details = member(*usage, "output_tokens_details")) {
    out.reasoning_tokens =
        std::min(count_member(*details, "reasoning_tokens"), out.completion_tokens);
  }
  return out;
}

FinishedEvent ResponsesReader::finished(const Json& response, std::string_view status) const {
  FinishedEvent out;
  out.native_reason = status;
  if (status == "incomplete") {
    const Json* details = member(response, "incomplete_details");
    const std::string reason = details ? string_member(*details, "reason") : "";
    out.reason = reason == "content_filter" ? FinishReason::kContentFilter : FinishReason::kLength;
    if (!reason.empty()) out.native_reason = reason;
  } else if (output_.has_called()) {
    out.reason = FinishReason::kToolCalls;
  } else if (output_.has_refused()) {
    out.reason = FinishReason::kRefusal;
  }
  return out;
}

Status ResponsesReader::take_output(const Json& response, std::vector<Event>* out) {
  const Json* items = member(response, "output");
  if (!items) return {};
  if (!items->is_array()) return damaged("an output that is no array");
  for (const Json& item : *items) {
    if (const char* wrong = output_.take_whole(item, out)) return damaged(wrong);
  }
  return {};
}

Status ResponsesReader::take_end(const Json& response, std::string_view status,
                                 std::vector<Event>* out) {
  if (status == "failed" || status == "cancelled") {
    fail(response, out);
    return {};
  }
  if (status != "completed" && status != "incomplete") {
    return damaged("a response that has not ended");
  }
  start(response, out);
  // A server that streams nothing but the end has all in it.
  if (output_.is_empty()) TRY(take_output(response, out));
  close();
  out->push_back(usage_of(response));
  out->push_back(finished(response, status));
  return {};
}

Status ResponsesReader::take_event(std::string_view type, const Json& event,
                                   std::vector<Event>* out) {
  const Json* response = member(event, "response");
  const bool is_begin = type == "created" || type == "queued" || type == "in_progress";
  const bool is_end =
      type == "completed" || type == "incomplete" || type == "failed" || type == "cancelled";
  if (is_begin || is_end) {
    if (!response || !response->is_object()) return damaged("an event without its response");
    if (is_end) return take_end(*response, type, out);
    start(*response, out);
    return {};
  }
  if (!started_) return damaged("an event before the response's beginning");
  const char* wrong = output_.take(type, event, out);
  return wrong ? damaged(wrong) : Status();
}

Status ResponsesReader::take(std::string_view name, const Json& json, std::vector<Event>* out) {
  if (!json.is_object()) return damaged("an event that is no object");
  if (is_whole()) {
    const std::string status = string_member(json, "status");
    if (!status.empty() && member(json, "output")) return take_end(json, status, out);
    if (!member(json, "error")) return damaged("it is no response");
    fail(json, out);
    return {};
  }
  std::string type = string_member(json, "type");
  if (type.empty()) type = name;
  if (type == "error" || (type.empty() && member(json, "error"))) {
    fail(json, out);
    return {};
  }
  if (type.empty()) return damaged("an event without a type");
  if (!type.starts_with(kPrefix)) return {};  // "keepalive" and such
  return take_event(std::string_view(type).substr(kPrefix.size()), json, out);
}

Status ResponsesReader::end(std::vector<Event>*) {
  return damaged("the stream ended before its response.completed");
}

}  // namespace

std::unique_ptr<wire::AnswerReader> make_responses_reader(bool stream) {
  using wire::AnswerFraming;
  return std::make_unique<ResponsesReader>(stream ? AnswerFraming::kEvents : AnswerFraming::kWhole);
}

}  // namespace overtake::openai
