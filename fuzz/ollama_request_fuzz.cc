// The body of a request from a stranger, as Ollama's chat and as its generate: it becomes a bounded
// call that a writer can answer, or an error in Ollama's shape.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "wire/ollama/dialect.h"
#include "wire/ollama/request.h"

namespace {

using overtake::Json;
namespace ollama = overtake::ollama;
namespace wire = overtake::wire;

void check_call(const wire::Call& call) {
  OVERTAKE_CHECK(call.n_choices() == 1);
  const overtake::GenerateRequest request = call.choice_request(0);
  OVERTAKE_CHECK(request.max_tokens.value_or(1) > 0);
  OVERTAKE_CHECK(request.top_logprobs >= -1 && request.top_logprobs <= 20);
  OVERTAKE_CHECK(request.stop.size() <= 16);
  const overtake::SamplingParams& sampling = request.sampling;
  OVERTAKE_CHECK(sampling.temperature.value_or(0) >= 0 && sampling.top_k.value_or(0) >= 0);
  OVERTAKE_CHECK(sampling.top_p.value_or(1) > 0 && sampling.top_p.value_or(1) <= 1);
  OVERTAKE_CHECK(sampling.min_p.value_or(0) >= 0 && sampling.min_p.value_or(0) < 1);
  OVERTAKE_CHECK(sampling.repetition_penalty.value_or(1) > 0);
  OVERTAKE_CHECK(request.extra.empty() || overtake::parse_json(request.extra, "extra").ok());
}

// Answers `call` with `text`, also as a tool's arguments, and reads the answer back.
void check_answer(const wire::Call& call, wire::AnswerWriter& writer, std::string_view text) {
  std::string out;
  overtake::TextEvent event{std::string(text.substr(0, 64)), {}};
  event.logprobs.push_back({1, event.text, -0.5, {{2, event.text, -1}}});
  writer.add(0, overtake::StartedEvent{"m", 1, {}}, out);
  writer.add(0, event, out);
  writer.add(0, overtake::ToolEvent{0, "", "f", std::string(text)}, out);
  writer.add(0, overtake::UsageEvent{}, out);
  writer.add(0, overtake::FinishedEvent{}, out);
  if (writer.fault()) {
    OVERTAKE_CHECK(writer.fault()->status == 502);
    return;
  }
  writer.finish(out);
  for (size_t begin = 0; begin < out.size();) {
    const size_t end = call.stream ? out.find('\n', begin) : out.size();
    OVERTAKE_CHECK(end != out.npos);
    OVERTAKE_CHECK(overtake::parse_json(out.substr(begin, end - begin), "answer").ok());
    begin = end + 1;
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
  const auto writer = dialect.make_writer(call, {"id", 1, "m"});
  check_answer(call, *writer, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = overtake::parse_json(text, "request body");
  if (!body.ok()) return 0;
  if (body->is_object()) ollama::only_loads(*body);
  check(*body, text, ollama::chat_dialect);
  check(*body, text, ollama::generate_dialect);
  return 0;
}
