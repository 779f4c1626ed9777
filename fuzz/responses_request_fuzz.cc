// The body of a request from a stranger, as OpenAI's Responses: it becomes a bounded call that a
// writer can answer, that can be sent on, and whose items can be kept and read again; or an error
// in OpenAI's shape.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "wire/openai/client.h"
#include "wire/openai/dialect.h"
#include "wire/openai/responses.h"

namespace {

using overtake::Json;
namespace openai = overtake::openai;
namespace wire = overtake::wire;

// `goes_on`: after an earlier response or in a conversation, whose items come later.
void check_call(const wire::Call& call, bool goes_on) {
  OVERTAKE_CHECK(call.n_choices() == 1);
  const overtake::GenerateRequest request = call.choice_request(0);
  OVERTAKE_CHECK(request.max_tokens.value_or(1) > 0);
  OVERTAKE_CHECK(request.top_logprobs >= -1 && request.top_logprobs <= 20);
  OVERTAKE_CHECK(request.extra.empty() || overtake::parse_json(request.extra, "extra").ok());
  (void)openai::shared_with_chat(request.extra);
  (void)openai::needs_responses(request);
  const auto sent = openai::write_responses_request(request, false);
  OVERTAKE_CHECK(!sent.ok() || overtake::parse_json(sent->body, "sent").ok());
  const auto& chat = std::get<overtake::ChatPrompt>(request.prompt);
  OVERTAKE_CHECK(chat.messages.size() == call.origins.size());
  OVERTAKE_CHECK(goes_on || !chat.messages.empty());
  if (const auto unmet = first_unmet(request, overtake::FeatureSet())) {
    OVERTAKE_CHECK(!openai::responses_dialect.field_of(*unmet).empty());
  }
}

void check_items(const Json& items) {
  const Json none = Json::object();
  wire::Fields fields(none);
  openai::ItemMessages messages;
  openai::read_items(items, "previous_response_id", fields, &messages);
  OVERTAKE_CHECK(fields.ok() && messages.messages.size() == messages.origins.size());
}

// Answers `call` with pieces of `text`; what is kept of it can be read again as history.
void check_answer(wire::Call* call, std::string_view text) {
  int n_kept = 0;
  call->keep = [&](const wire::KeptAnswer& answer) {
    ++n_kept;
    OVERTAKE_CHECK(overtake::parse_json(answer.body, "answer").ok());
    check_items(overtake::parse_json(answer.items, "items").value());
  };
  const auto writer = openai::responses_dialect.make_writer(*call, {"resp_1", 1, "m"});
  const std::string piece(text.substr(0, 64));
  std::string out;
  writer->add(0, overtake::StartedEvent{"m", 1, {}}, out);
  writer->add(0, overtake::ReasoningEvent{piece, piece, piece, {}}, out);
  writer->add(0, overtake::TextEvent{piece, {{1, piece, -0.5, {{2, piece, -1}}}}}, out);
  writer->add(0, overtake::CitationEvent{piece, piece, piece, 0, 9}, out);
  OVERTAKE_CHECK(overtake::parse_json(writer->so_far(), "answer").ok());
  writer->add(0, overtake::ToolEvent{0, "a", "f", piece, {}}, out);
  writer->add(0, overtake::RefusalEvent{piece}, out);
  writer->add(0, overtake::ToolEvent{1, "", "g", std::string(text), {}}, out);
  writer->add(0, overtake::ToolEvent{0, "", "", std::string(text.substr(piece.size())), {}}, out);
  writer->add(0, overtake::UsageEvent{}, out);
  writer->add(0, overtake::FinishedEvent{}, out);
  writer->finish(out);
  OVERTAKE_CHECK(n_kept == 1);
  if (!call->stream) OVERTAKE_CHECK(overtake::parse_json(out, "answer").ok());
  if (call->stream) OVERTAKE_CHECK(out.starts_with("event: response.created\ndata: {"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = overtake::parse_json(text, "request body");
  if (!body.ok()) return 0;
  wire::Call call;
  if (const auto error = openai::responses_dialect.parse(*body, &call)) {
    OVERTAKE_CHECK((error->status == 400 || error->status == 404) && !error->message.empty());
    OVERTAKE_CHECK(overtake::parse_json(openai::responses_dialect.error_body(*error), "e").ok());
    return 0;
  }
  check_call(call, body->contains("previous_response_id") || body->contains("conversation"));
  check_items(openai::input_items(body->value("input", Json()), "1"));
  check_answer(&call, text);
  return 0;
}
