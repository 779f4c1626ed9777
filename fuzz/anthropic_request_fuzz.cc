// The body of a request from a stranger, as Anthropic's Messages and as a count of their tokens: it
// becomes a bounded call that a writer can answer, or an error in Anthropic's shape.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "wire/anthropic/dialect.h"
#include "wire/anthropic/request.h"

namespace {

using overtake::Json;
namespace anthropic = overtake::anthropic;
namespace wire = overtake::wire;

void check_call(const wire::Call& call) {
  OVERTAKE_CHECK(call.n_choices() == 1);
  const overtake::GenerateRequest request = call.choice_request(0);
  OVERTAKE_CHECK(request.max_tokens.value_or(1) > 0);
  OVERTAKE_CHECK(request.stop.size() <= anthropic::kMaxStops);
  const overtake::SamplingParams& sampling = request.sampling;
  OVERTAKE_CHECK(sampling.temperature.value_or(0) >= 0 && sampling.top_k.value_or(0) >= 0);
  OVERTAKE_CHECK(sampling.top_p.value_or(1) > 0 && sampling.top_p.value_or(1) <= 1);
  OVERTAKE_CHECK(request.extra.empty() || overtake::parse_json(request.extra, "extra").ok());
  const auto& chat = std::get<overtake::ChatPrompt>(request.prompt);
  OVERTAKE_CHECK(!chat.messages.empty() && chat.messages.size() == call.origins.size());
  if (const auto unmet = first_unmet(request, overtake::FeatureSet())) {
    OVERTAKE_CHECK(!anthropic::messages_dialect.field_of(*unmet).empty());
    const std::string member = call.member_of(unmet->message, unmet->part);
    OVERTAKE_CHECK(member.empty() == (unmet->message < 0));
  }
}

// Answers `call` with pieces of `text`, also as tools' arguments, and reads the answer back.
void check_answer(const wire::Call& call, std::string_view text) {
  const auto writer = anthropic::messages_dialect.make_writer(call, {"msg_1", 1, "m"});
  const std::string piece(text.substr(0, 64));
  std::string out;
  writer->add(0, overtake::StartedEvent{"m", 1, {}}, out);
  writer->add(0, overtake::ReasoningEvent{piece, piece, piece, {}}, out);
  writer->add(0, overtake::TextEvent{piece, {}}, out);
  writer->add(0, overtake::CitationEvent{piece, piece, piece, 0, 1, std::string(text)}, out);
  for (const auto kind :
       {overtake::VendorEvent::Kind::kPart, overtake::VendorEvent::Kind::kMembers}) {
    writer->add(0, overtake::VendorEvent{kind, "anthropic", std::string(text)}, out);
  }
  writer->add(0, overtake::ToolEvent{0, "a", "f", piece, {}}, out);
  writer->add(0, overtake::ToolEvent{1, "", "g", std::string(text), {}}, out);
  writer->add(0, overtake::ToolEvent{0, "", "", std::string(text.substr(piece.size())), {}}, out);
  writer->add(0, overtake::UsageEvent{}, out);
  writer->add(0, overtake::FinishedEvent{}, out);
  if (!writer->fault()) writer->finish(out);
  if (writer->fault()) {
    OVERTAKE_CHECK(writer->fault()->status == 502);
  } else if (!call.stream) {
    OVERTAKE_CHECK(overtake::parse_json(out, "answer").ok());
  } else {
    OVERTAKE_CHECK(out.starts_with("event: message_start\ndata: {"));
    OVERTAKE_CHECK(out.ends_with("\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
  }
}

void check(const Json& body, std::string_view text, const wire::Dialect& dialect) {
  wire::Call call;
  if (const auto error = dialect.parse(body, &call)) {
    OVERTAKE_CHECK(error->status == 400 && !error->message.empty());
    OVERTAKE_CHECK(overtake::parse_json(dialect.error_body(*error), "error").ok());
    return;
  }
  check_call(call);
  check_answer(call, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = overtake::parse_json(text, "request body");
  if (!body.ok()) return 0;
  check(*body, text, anthropic::messages_dialect);
  check(*body, text, anthropic::count_dialect);
  return 0;
}
