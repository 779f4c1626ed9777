// The body of a request from a stranger, as Gemini's generateContent, its streams and countTokens:
// it becomes a bounded call that a writer can answer, or an error in Google's shape.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "wire/gemini/dialect.h"
#include "wire/gemini/request.h"

namespace {

using overtake::Json;
namespace gemini = overtake::gemini;
namespace wire = overtake::wire;

void check_call(const wire::Call& call) {
  OVERTAKE_CHECK(call.n_choices() >= 1 && call.n_choices() <= wire::kMaxChoices);
  const overtake::GenerateRequest request = call.choice_request(0);
  OVERTAKE_CHECK(request.max_tokens.value_or(1) > 0);
  OVERTAKE_CHECK(request.top_logprobs >= -1 && request.top_logprobs <= 20);
  OVERTAKE_CHECK(request.stop.size() <= 16);
  const overtake::SamplingParams& sampling = request.sampling;
  OVERTAKE_CHECK(sampling.temperature.value_or(0) >= 0 && sampling.top_k.value_or(0) >= 0);
  OVERTAKE_CHECK(sampling.top_p.value_or(1) > 0 && sampling.top_p.value_or(1) <= 1);
  OVERTAKE_CHECK(request.extra.empty() || overtake::parse_json(request.extra, "extra").ok());
}

// Answers `call` with `text`, also as a tool's arguments, and reads the answer back.
void check_answer(const wire::Call& call, wire::AnswerWriter& writer, std::string_view text) {
  std::string out;
  overtake::TextEvent event{std::string(text.substr(0, 64)), {}};
  event.logprobs.push_back({1, event.text, -0.5, {{2, event.text, -1}}});
  for (int i = 0; i < call.n_choices(); ++i) {
    writer.add(i, overtake::StartedEvent{"m", 1, {}}, out);
    writer.add(i, event, out);
    writer.add(i, overtake::ReasoningEvent{event.text, event.text}, out);
    writer.add(i, overtake::CitationEvent{event.text, event.text, "", 0, 5}, out);
    for (const auto kind :
         {overtake::VendorEvent::Kind::kPart, overtake::VendorEvent::Kind::kMembers}) {
      writer.add(i, overtake::VendorEvent{kind, "gemini", std::string(text)}, out);
    }
    writer.add(i, overtake::ToolEvent{0, "", "f", std::string(text)}, out);
    writer.add(i, overtake::UsageEvent{}, out);
    writer.add(i, overtake::FinishedEvent{}, out);
  }
  if (writer.fault()) {
    OVERTAKE_CHECK(writer.fault()->status == 502);
    return;
  }
  writer.finish(out);
  if (call.stream && !out.starts_with('[')) {
    OVERTAKE_CHECK(out.starts_with("data: {") && out.ends_with("}\n\n"));
  } else {
    OVERTAKE_CHECK(overtake::parse_json(out, "answer").ok());
  }
}

void check(const Json& body, std::string_view text, const wire::Dialect& dialect) {
  wire::Call call;
  call.stream = text.size() % 2 == 0;
  if (const auto error = dialect.parse(body, &call)) {
    OVERTAKE_CHECK(error->status == 400 && !error->message.empty());
    OVERTAKE_CHECK(overtake::parse_json(dialect.error_body(*error), "error").ok());
    return;
  }
  check_call(call);
  const auto writer = dialect.make_writer(call, {"id", 1, "m"});
  check_answer(call, *writer, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = overtake::parse_json(text, "request body");
  if (!body.ok()) return 0;
  check(*body, text, gemini::event_dialect);
  check(*body, text, gemini::array_dialect);
  check(*body, text, gemini::count_dialect);
  return 0;
}
