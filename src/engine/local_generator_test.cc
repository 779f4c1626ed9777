// The scheduler and the local generator over golden models, which have no vocabulary: requests in
// token ids, answers in log probabilities. One model keeps keys and values of a sequence, one a
// recurrent state, one both.
#include "engine/local_generator.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/time.h"

namespace overtake {
namespace {

struct StateKind {
  const char* model;  // context of 256, or endless
  bool recurrent;
  uint64_t few_bytes;  // of state, for a few of the requests below
};
constexpr StateKind kKinds[] = {
    {"llama2-gqa", false, 16 * 2 * 3 * 2 * 2 * 8 * 32 * sizeof(float) / 2},
    {"falcon-mamba", true, 90'000},
    {"falcon-h1", true, 300'000},
};

std::shared_ptr<Generator> load_model(const std::string& model, uint64_t kv_bytes = 64u << 20) {
  auto generator = make_local_generator({.path = OVERTAKE_TEST_DATA_DIR "/golden/" + model,
                                         .name = "golden",
                                         .n_threads = 2,
                                         .kv_bytes = kv_bytes});
  EXPECT_TRUE(generator.ok()) << generator.error().message;
  return *generator;
}

class LocalGenerators : public testing::TestWithParam<StateKind> {
 protected:
  static std::shared_ptr<Generator> load(uint64_t kv_bytes = 64u << 20) {
    return load_model(GetParam().model, kv_bytes);
  }
};

std::vector<int32_t> some_ids(int n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(n);
  for (int32_t& id : ids) id = static_cast<int32_t>(12 + random() % 300);
  return ids;
}

GenerateRequest request_for(std::vector<int32_t> ids, int64_t max_tokens) {
  GenerateRequest request;
  request.prompt = TokenPrompt{std::move(ids)};
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  request.top_logprobs = 2;
  request.ignore_end = true;
  return request;
}

struct Collected {
  std::vector<int32_t> ids;
  std::vector<double> logprobs;
  StartedEvent started;
  UsageEvent usage;
  std::optional<FinishedEvent> finished;
  std::optional<FailedEvent> failed;

  bool operator==(const Collected& other) const {
    return ids == other.ids && logprobs == other.logprobs;
  }
};

Collected collect(Answer answer) {
  Collected out;
  for (;;) {
    Event event = answer->next();
    if (auto* started = std::get_if<StartedEvent>(&event)) out.started = *started;
    if (auto* usage = std::get_if<UsageEvent>(&event)) out.usage = *usage;
    if (auto* text = std::get_if<TextEvent>(&event)) {
      for (const auto& entry : text->logprobs) {
        out.ids.push_back(entry.id);
        out.logprobs.push_back(entry.logprob);
      }
    }
    if (auto* finished = std::get_if<FinishedEvent>(&event)) out.finished = *finished;
    if (auto* failed = std::get_if<FailedEvent>(&event)) out.failed = *failed;
    if (is_last(event)) return out;
  }
}

Collected ask(Generator& generator, GenerateRequest request) {
  auto answer = generator.generate(std::move(request));
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  return collect(std::move(answer).value());
}

TEST_P(LocalGenerators, AnswersWithAsManyTokensAsAsked) {
  const auto generator = load();
  const Collected out = ask(*generator, request_for(some_ids(20, 1), 17));
  EXPECT_EQ(out.ids.size(), 17u);
  ASSERT_TRUE(out.finished);
  EXPECT_EQ(out.finished->reason, FinishReason::kLength);
  EXPECT_EQ(out.usage.prompt_tokens, 20);
  EXPECT_EQ(out.usage.completion_tokens, 17);
  EXPECT_EQ(out.started.model, "golden");
}

TEST_P(LocalGenerators, ManyAtOnceGetWhatEachGetsAlone) {
  const auto generator = load();
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 24; ++i) {
    requests.push_back(request_for(some_ids(1 + 7 * i, 100 + i), 5 + i));
    requests.back().sampling.temperature = i % 2;
    requests.back().sampling.seed = i;
  }
  std::vector<Collected> alone;
  for (const auto& request : requests) alone.push_back(ask(*generator, request));
  std::vector<Answer> answers;
  for (const auto& request : requests) {
    answers.push_back(std::move(generator->generate(request)).value());
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(collect(std::move(answers[i])), alone[i]) << i;
  }
}

// The second prompt parts from what was kept at its 181st token. Recurrent state goes back to the
// checkpoint before it.
TEST_P(LocalGenerators, AKeptStateGivesTheSameAnswer) {
  const auto ids = some_ids(200, 3);
  const Collected fresh = ask(*load(), request_for(ids, 8));
  const auto generator = load();
  ask(*generator, request_for({ids.begin(), ids.begin() + 180}, 4));
  const Collected reused = ask(*generator, request_for(ids, 8));
  EXPECT_EQ(reused.usage.cached_tokens, GetParam().recurrent ? 160 : 180);
  EXPECT_EQ(reused, fresh);
  EXPECT_EQ(fresh.usage.cached_tokens, 0);
  const Collected again = ask(*generator, request_for(ids, 8));
  EXPECT_EQ(again.usage.cached_tokens, GetParam().recurrent ? 192 : 199);
  EXPECT_EQ(again, fresh);
}

// The next turn of a chat: what was asked, what was answered, and more.
TEST_P(LocalGenerators, AKeptStateGoesOnWhereTheAnswerEnded) {
  const auto generator = load();
  auto ids = some_ids(50, 30);
  const Collected first = ask(*generator, request_for(ids, 20));
  ids.insert(ids.end(), first.ids.begin(), first.ids.end());
  for (const int32_t id : some_ids(10, 31)) ids.push_back(id);
  const Collected second = ask(*generator, request_for(ids, 8));
  EXPECT_EQ(second.usage.cached_tokens, 69);  // the last token of an answer is not read
  EXPECT_EQ(second, ask(*load(), request_for(ids, 8)));
}

TEST_P(LocalGenerators, AKeptStateNeverServesAnotherTenant) {
  const auto generator = load();
  const auto ids = some_ids(200, 4);
  GenerateRequest first = request_for(ids, 4);
  first.principal.tenant = "a";
  ask(*generator, first);
  GenerateRequest second = request_for(ids, 4);
  second.principal.tenant = "b";
  EXPECT_EQ(ask(*generator, second).usage.cached_tokens, 0);
  EXPECT_GT(ask(*generator, first).usage.cached_tokens, 0);
}

TEST(LocalGenerator, APromptThatFillsTheContextIsRefusedAndALongAnswerIsCut) {
  for (const char* model : {"llama2-gqa", "falcon-h1"}) {
    const auto generator = load_model(model);
    const auto refused = generator->generate(request_for(some_ids(256, 5), 1));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kContextLength);
    const Collected cut = ask(*generator, request_for(some_ids(250, 5), 100));
    EXPECT_EQ(cut.ids.size(), 6u);
    EXPECT_EQ(cut.finished->reason, FinishReason::kLength);
  }
}

TEST(LocalGenerator, RecurrentStateTakesAnyLengthInTheSameMemory) {
  const auto generator = load_model("falcon-mamba", 1);  // less than one state: there is one
  EXPECT_EQ(generator->info().context_length, 1 << 20);
  const Collected out = ask(*generator, request_for(some_ids(5000, 5), 3));
  EXPECT_EQ(out.ids.size(), 3u);
  EXPECT_EQ(out, ask(*load_model("falcon-mamba"), request_for(some_ids(5000, 5), 3)));
}

TEST_P(LocalGenerators, BadRequestsAreRefusedByName) {
  const auto generator = load();
  const auto problem = [&](GenerateRequest request) {
    const auto answer = generator->generate(std::move(request));
    return answer.ok() ? std::string("none") : answer.error().message;
  };
  EXPECT_TRUE(problem(request_for({}, 1)).starts_with("the prompt is empty"));
  EXPECT_TRUE(problem(request_for({5, 320}, 1)).starts_with("token id 320"));
  EXPECT_TRUE(problem(request_for({-1}, 1)).starts_with("token id -1"));
  GenerateRequest request = request_for({5}, 1);
  request.sampling.logit_bias[99999] = 1;
  EXPECT_TRUE(problem(request).starts_with("token id 99999"));
  request = request_for({5}, 1);
  request.sampling.top_p = 7;
  EXPECT_TRUE(problem(request).starts_with("top_p"));
  request.prompt = TextPrompt{"text"};
  request.sampling.top_p = 1;
  EXPECT_TRUE(problem(request).starts_with("the model has no vocabulary"));
}

TEST_P(LocalGenerators, PromptLogprobsCoverEveryPosition) {
  const auto generator = load();
  const auto ids = some_ids(70, 6);
  GenerateRequest request = request_for(ids, 0);
  request.prompt_logprobs = true;
  const Collected out = ask(*generator, request);
  ASSERT_EQ(out.started.prompt_logprobs.size(), ids.size());
  EXPECT_TRUE(out.ids.empty());
  // The last prompt token's log probability is that of drawing it after the others.
  GenerateRequest shorter = request_for({ids.begin(), ids.end() - 1}, 1);
  shorter.sampling.logit_bias[ids.back()] = 100;
  EXPECT_DOUBLE_EQ(ask(*generator, shorter).logprobs.at(0),
                   out.started.prompt_logprobs.back().logprob);
}

TEST_P(LocalGenerators, CancelEndsTheAnswer) {
  const auto generator = load();
  auto answer = std::move(generator->generate(request_for(some_ids(10, 7), 200))).value();
  answer->next();
  answer->cancel();
  const Collected out = collect(std::move(answer));
  ASSERT_TRUE(out.finished);
  EXPECT_TRUE(out.finished->reason == FinishReason::kCancelled ||
              out.finished->reason == FinishReason::kLength);
}

TEST_P(LocalGenerators, ADeadlineThatHasPassedFailsTheRequest) {
  const auto generator = load();
  GenerateRequest request = request_for(some_ids(10, 8), 10);
  request.deadline_us = now_us() - 1;
  const Collected out = ask(*generator, request);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->error.code, ErrorCode::kDeadline);
}

// Memory for a few: requests wait for each other, what is only kept makes room, all are answered.
TEST_P(LocalGenerators, MoreThanTheMemoryHoldsIsAnsweredInTurn) {
  const auto reference = load();
  const auto generator = load(GetParam().few_bytes);
  std::vector<Answer> answers;
  for (int i = 0; i < 12; ++i) {
    auto answer = generator->generate(request_for(some_ids(150, i), 40));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    answers.push_back(std::move(answer).value());
  }
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(collect(std::move(answers[i])), ask(*reference, request_for(some_ids(150, i), 40)));
  }
}

TEST_P(LocalGenerators, ClosingFailsWhatIsUnderWay) {
  auto generator = load();
  std::vector<Answer> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back(std::move(generator->generate(request_for(some_ids(200, i), 50))).value());
  }
  generator.reset();
  for (auto& answer : answers) {
    const Collected out = collect(std::move(answer));
    EXPECT_TRUE(out.failed || out.finished);
  }
}

INSTANTIATE_TEST_SUITE_P(, LocalGenerators, testing::ValuesIn(kKinds), [](const auto& info) {
  return info.param.recurrent ? std::string(info.param.model + 7) : std::string("attention");
});

}  // namespace
}  // namespace overtake
