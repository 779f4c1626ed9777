// The body of a request from a stranger, as chat completions and as completions: it becomes bounded
// calls that a writer can answer, or an error in OpenAI's shape.
#include <cmath>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "wire/openai/answer.h"
#include "wire/openai/error.h"
#include "wire/openai/request.h"

namespace {

using overtake::Json;
namespace openai = overtake::openai;
namespace wire = overtake::wire;

void check_call(const wire::Call& call) {
  OVERTAKE_CHECK(call.n_choices() >= 1 && call.n_choices() <= wire::kMaxChoices);
  const overtake::GenerateRequest request = call.choice_request(call.n_choices() - 1);
  OVERTAKE_CHECK(request.max_tokens.value_or(0) >= 0);
  OVERTAKE_CHECK(request.top_logprobs >= -1 && request.top_logprobs <= openai::kMaxTopLogprobs);
  OVERTAKE_CHECK(request.stop.size() <= 16);
  const overtake::SamplingParams& sampling = request.sampling;
  OVERTAKE_CHECK(sampling.temperature.value_or(0) >= 0 && sampling.top_k.value_or(0) >= 0);
  OVERTAKE_CHECK(sampling.top_p.value_or(1) > 0 && sampling.top_p.value_or(1) <= 1);
  OVERTAKE_CHECK(sampling.min_p.value_or(0) >= 0 && sampling.min_p.value_or(0) < 1);
  OVERTAKE_CHECK(sampling.repetition_penalty.value_or(1) > 0);
  for (const auto& [id, bias] : sampling.logit_bias) {
    OVERTAKE_CHECK(id >= 0 && std::abs(bias) <= 100);
  }
}

// Answers `call` with `text`, and reads the answer back.
void check_answer(const wire::Call& call, wire::AnswerWriter& writer, std::string_view text) {
  std::string out;
  overtake::TextEvent event{std::string(text.substr(0, 64)), {}};
  event.logprobs.push_back({1, event.text, -0.5, {{2, event.text, -1}}});
  for (int i = 0; i < call.n_choices(); ++i) {
    writer.add(i, overtake::StartedEvent{"m", 1, {}}, out);
    writer.add(i, event, out);
    writer.add(i, overtake::UsageEvent{}, out);
    writer.add(i, overtake::FinishedEvent{}, out);
  }
  writer.finish(out);
  if (call.stream) {
    OVERTAKE_CHECK(out.starts_with("data: {") && out.ends_with("\n\ndata: [DONE]\n\n"));
  } else {
    OVERTAKE_CHECK(overtake::parse_json(out, "answer").ok());
  }
}

template <typename Parse, typename MakeWriter>
void check(const Json& body, std::string_view text, Parse parse, MakeWriter make_writer) {
  wire::Call call;
  if (const auto error = parse(body, &call)) {
    OVERTAKE_CHECK(error->status == 400 && !error->message.empty());
    OVERTAKE_CHECK(overtake::parse_json(openai::error_json(*error), "error").ok());
    return;
  }
  check_call(call);
  const auto writer = make_writer(call, {"id", 1, "m"});
  check_answer(call, *writer, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = overtake::parse_json(text, "request body");
  if (!body.ok()) {
    OVERTAKE_CHECK(!body.error().message.empty());
    return 0;
  }
  check(*body, text, openai::parse_chat_request, openai::make_chat_writer);
  check(*body, text, openai::parse_completion_request, openai::make_completion_writer);
  return 0;
}
