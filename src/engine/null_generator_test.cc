#include "engine/null_generator.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

struct Answered {
  std::string text;
  int n_logprobs = 0;
  UsageEvent usage;
  FinishedEvent finished;
};

Answered answer_to(GenerateRequest request) {
  auto answer = make_null_generator()->generate(std::move(request));
  EXPECT_TRUE(answer.ok());
  Answered out;
  while (true) {
    const Event event = (*answer)->next();
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      out.text += text->text;
      out.n_logprobs += static_cast<int>(text->logprobs.size());
    }
    if (const auto* usage = std::get_if<UsageEvent>(&event)) out.usage = *usage;
    if (const auto* finished = std::get_if<FinishedEvent>(&event)) out.finished = *finished;
    if (is_last(event)) return out;
  }
}

TEST(NullGenerator, AnswersFixedTokens) {
  GenerateRequest request;
  request.prompt = TextPrompt{"12345"};
  const Answered short_answer = answer_to(request);
  EXPECT_EQ(short_answer.usage.prompt_tokens, 2);
  EXPECT_EQ(short_answer.usage.completion_tokens, 16);
  EXPECT_EQ(short_answer.text.size(), 16 * 6u);
  EXPECT_EQ(short_answer.finished.reason, FinishReason::kStop);
  request.max_tokens = 1000;
  request.top_logprobs = 0;
  const Answered long_answer = answer_to(request);
  EXPECT_EQ(long_answer.usage.completion_tokens, 1000);
  EXPECT_EQ(long_answer.n_logprobs, 1000);
  EXPECT_EQ(long_answer.finished.reason, FinishReason::kLength);
  request.max_tokens = 0;
  EXPECT_EQ(answer_to(request).text, "");
}

TEST(NullGenerator, EndsBeforeTheStopStringThatIsCompleteFirst) {
  GenerateRequest request;
  request.prompt = TextPrompt{""};
  request.stop = {"absent", "token token", "n t"};
  const Answered answer = answer_to(request);
  EXPECT_EQ(answer.text, " toke");  // "token token" begins first, "n t" is complete first
  EXPECT_EQ(answer.finished.stop_sequence, "n t");
  EXPECT_EQ(answer.finished.reason, FinishReason::kStop);
}

TEST(NullGenerator, RefusesAPromptBeyondItsContext) {
  GenerateRequest request;
  request.prompt = TextPrompt{std::string(4 * 131'072 + 1, 'x')};
  const auto answer = make_null_generator()->generate(std::move(request));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kContextLength);
}

}  // namespace
}  // namespace overtake
