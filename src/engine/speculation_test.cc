// Answers with guesses and without are the same: tokens, log probabilities, text, counts. Every
// guess is tried here, also those that cannot be right.
#include <gtest/gtest.h>

#include <random>

#include "base/time.h"
#include "engine/local_generator.h"

namespace overtake {
namespace {

std::shared_ptr<Generator> load(const std::string& file, Speculation speculation,
                                std::optional<KvType> kv_type = {}) {
  auto generator = make_local_generator({.path = OVERTAKE_TEST_DATA_DIR "/" + file,
                                         .name = "model",
                                         .n_threads = 2,
                                         .speculation = speculation,
                                         .kv_bytes = 64u << 20,
                                         .kv_type = kv_type});
  EXPECT_TRUE(generator.ok()) << generator.error().message;
  return *generator;
}

struct Told {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<double> logprobs;
  int64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  FinishReason reason = FinishReason::kStop;
  std::string stop_sequence, error;
  bool operator==(const Told&) const = default;
};

struct Answered {
  Told told;
  int64_t accepted = 0, rejected = 0;
};

Answered collect(Answer answer) {
  Answered out;
  for (;;) {
    const Event event = answer->next();
    if (const auto* text = std::get_if<TextEvent>(&event)) {
      out.told.text += text->text;
      for (const auto& entry : text->logprobs) {
        out.told.ids.push_back(entry.id);
        out.told.logprobs.push_back(entry.logprob);
        for (const auto& other : entry.top) out.told.logprobs.push_back(other.logprob);
      }
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      out.told.prompt_tokens = usage->prompt_tokens;
      out.told.cached_tokens = usage->cached_tokens;
      out.told.completion_tokens = usage->completion_tokens;
      out.accepted = usage->accepted_draft_tokens;
      out.rejected = usage->rejected_draft_tokens;
    } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
      out.told.reason = finished->reason;
      out.told.stop_sequence = finished->stop_sequence;
    } else if (const auto* failed = std::get_if<FailedEvent>(&event)) {
      out.told.error = failed->error.message;
    }
    if (is_last(event)) return out;
  }
}

Answered ask(Generator& generator, GenerateRequest request) {
  auto answer = generator.generate(std::move(request));
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  return collect(std::move(answer).value());
}

// Ids of a few words, so that pairs recur; the bias has the answer made of them too, which makes
// guesses that hold for a while and then do not.
GenerateRequest few_words(uint32_t seed, int64_t max_tokens) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(40 + random() % 40);
  for (int32_t& id : ids) id = static_cast<int32_t>(20 + random() % 4);
  GenerateRequest request;
  request.prompt = TokenPrompt{std::move(ids)};
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  for (int32_t id = 20; id < 24; ++id) request.sampling.logit_bias[id] = 8;
  request.sampling.seed = seed;
  request.top_logprobs = 2;
  request.ignore_end = true;
  return request;
}

struct Sampling {
  const char* name;
  SamplingParams params;
};
std::vector<Sampling> all_samplings() {
  return {{"greedy", {.temperature = 0}},
          {"plain", {.temperature = 1.0}},
          {"hot", {.temperature = 1.7}},
          {"top_k", {.temperature = 1.0, .top_k = 3}},
          {"top_p", {.temperature = 1.0, .top_p = 0.8}},
          {"min_p", {.temperature = 1.0, .min_p = 0.1}},
          {"repetition", {.temperature = 0.7, .repetition_penalty = 1.2}},
          {"presence", {.temperature = 0, .presence_penalty = 1.0, .frequency_penalty = 0.3}},
          {"all",
           {.temperature = 0.9,
            .top_k = 50,
            .top_p = 0.95,
            .min_p = 0.02,
            .repetition_penalty = 1.1,
            .presence_penalty = -0.2,
            .frequency_penalty = 0.1}}};
}

TEST(Speculation, NeverChangesWhatASamplerDraws) {
  const auto plain = load("golden/llama2-gqa", Speculation::kNone);
  const auto fast = load("golden/llama2-gqa", Speculation::kAlways);
  int64_t accepted = 0, rejected = 0;
  for (const Sampling& sampling : all_samplings()) {
    for (uint32_t seed = 0; seed < 4; ++seed) {
      GenerateRequest request = few_words(seed, 100);
      const auto bias = request.sampling.logit_bias;
      request.sampling = sampling.params;
      request.sampling.logit_bias = bias;
      request.sampling.seed = seed;
      const Answered with = ask(*fast, request), without = ask(*plain, request);
      EXPECT_EQ(with.told, without.told) << sampling.name << " " << seed;
      EXPECT_EQ(without.accepted + without.rejected, 0);
      accepted += with.accepted;
      rejected += with.rejected;
    }
  }
  EXPECT_GT(accepted, 500);
  EXPECT_GT(rejected, 500);
}

TEST(Speculation, IsExactForEveryArchitecture) {
  for (const char* model : {"falcon-7b", "falcon-40b", "falcon-rw", "mistral", "llama3-rope",
                            "llama-dynamic", "falcon-mamba", "falcon-h1"}) {
    const auto plain = load(std::string("golden/") + model, Speculation::kNone);
    const auto fast = load(std::string("golden/") + model, Speculation::kAlways);
    for (uint32_t seed = 0; seed < 3; ++seed) {
      GenerateRequest request = few_words(seed, 60);
      request.sampling.temperature = seed;
      EXPECT_EQ(ask(*fast, request).told, ask(*plain, request).told) << model << " " << seed;
    }
  }
}

TEST(Speculation, ManyAtOnceGetWhatEachGetsAlone) {
  const auto plain = load("golden/llama2-gqa", Speculation::kNone);
  for (const auto speculation : {Speculation::kAlways, Speculation::kWhereFaster}) {
    const auto fast = load("golden/llama2-gqa", speculation);
    std::vector<Answer> answers;
    const auto request = [](uint32_t i) {
      GenerateRequest out = few_words(i, 1 + 9 * (i % 13));
      out.sampling.temperature = i % 3;
      out.principal.tenant = std::to_string(i);  // nothing is cached
      return out;
    };
    for (uint32_t i = 0; i < 30; ++i) {
      answers.push_back(std::move(fast->generate(request(i))).value());
    }
    for (uint32_t i = 0; i < 30; ++i) {
      EXPECT_EQ(collect(std::move(answers[i])).told, ask(*plain, request(i)).told) << i;
    }
  }
}

// max_tokens within a run of guesses that are right, and beyond the context.
TEST(Speculation, EndsAtTheLengthThatWasAsked) {
  const auto plain = load("golden/llama2-gqa", Speculation::kNone);
  const auto fast = load("golden/llama2-gqa", Speculation::kAlways);
  for (int64_t n = 0; n < 40; ++n) {
    const Answered with = ask(*fast, few_words(1, n));
    EXPECT_EQ(with.told, ask(*plain, few_words(1, n)).told) << n;
    EXPECT_EQ(with.told.completion_tokens, n);
    EXPECT_LE(with.accepted, std::max<int64_t>(0, n - 1));
  }
  EXPECT_EQ(ask(*fast, few_words(1, 10'000)).told, ask(*plain, few_words(1, 10'000)).told);
}

// The state behind an answer is the same too: the next turn finds as much of it.
void expect_the_same_next_turn(std::optional<KvType> kv_type) {
  const auto plain = load("golden/llama2-gqa", Speculation::kNone, kv_type);
  const auto fast = load("golden/llama2-gqa", Speculation::kAlways, kv_type);
  for (uint32_t seed = 0; seed < 6; ++seed) {
    std::vector<Told> turns[2];
    for (const auto& generator : {plain, fast}) {
      GenerateRequest request = few_words(seed, 50);
      turns[generator == fast].push_back(ask(*generator, request).told);
      auto& ids = std::get<TokenPrompt>(request.prompt).ids;
      const auto& answer = turns[generator == fast].back().ids;
      ids.insert(ids.end(), answer.begin(), answer.end());
      ids.push_back(20);
      turns[generator == fast].push_back(ask(*generator, request).told);
    }
    EXPECT_EQ(turns[1], turns[0]) << seed;
    EXPECT_GT(turns[1][1].cached_tokens, 50);
  }
}

TEST(Speculation, LeavesTheSameStateToTheNextTurn) { expect_the_same_next_turn({}); }
TEST(Speculation, LeavesTheSame8BitStateToTheNextTurn) { expect_the_same_next_turn(KvType::kQ8_0); }

// Text of the letters a to d: stop strings and end tokens within runs of guesses.
GenerateRequest letters(uint32_t seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < 60; ++i) text += static_cast<char>('a' + random() % 4);
  GenerateRequest request;
  request.prompt = TextPrompt{text};
  request.max_tokens = 60;
  request.sampling.temperature = seed % 2;
  request.sampling.seed = seed;
  request.top_logprobs = 0;
  return request;
}

// Answers that a form holds, with runs that it forces: told with log probabilities, which come of
// reading every token, or without.
GenerateRequest held_letters(uint32_t seed) {
  GenerateRequest request = letters(seed);
  request.format.kind = OutputFormat::Kind::kRegex;
  request.format.grammar = "(abcd[ad]{2,10}dcba[bc]?){1,9}";
  request.top_logprobs = seed % 4 < 2 ? -1 : 0;
  request.principal.tenant = std::to_string(seed);  // nothing is cached
  return request;
}

TEST(Speculation, NeverChangesWhatAFormAllows) {
  const std::string file = "gguf/tiny.gguf";
  const auto plain = load(file, Speculation::kNone);
  const auto fast = load(file, Speculation::kAlways);
  int64_t accepted = 0;
  for (uint32_t seed = 0; seed < 24; ++seed) {
    const Answered with = ask(*fast, held_letters(seed)), without = ask(*plain, held_letters(seed));
    EXPECT_EQ(with.told, without.told) << seed;
    EXPECT_EQ(without.told.text.substr(0, 4), "abcd");
    EXPECT_EQ(without.told.error, "");
    accepted += with.accepted;
  }
  EXPECT_GT(accepted, 50);
}

TEST(Speculation, ManyHeldToAFormGetWhatEachGetsAlone) {
  const std::string file = "gguf/tiny.gguf";
  const auto plain = load(file, Speculation::kNone);
  for (const auto speculation : {Speculation::kNone, Speculation::kAlways}) {
    const auto many = load(file, speculation);
    std::vector<Answer> answers;
    for (uint32_t i = 0; i < 12; ++i) {
      answers.push_back(std::move(many->generate(held_letters(i))).value());
    }
    for (uint32_t i = 0; i < 12; ++i) {
      EXPECT_EQ(collect(std::move(answers[i])).told, ask(*plain, held_letters(i)).told) << i;
    }
  }
}

TEST(Speculation, StopsWhereItShould) {
  const std::string file = "gguf/tiny.gguf";
  const auto plain = load(file, Speculation::kNone);
  const auto fast = load(file, Speculation::kAlways);
  auto model = LocalModel::load({.path = OVERTAKE_TEST_DATA_DIR "/" + file, .n_threads = 1});
  ASSERT_TRUE(model.ok());
  const auto letter = [&](const char* text) {
    return (*model)->tokenizer()->encode_user(text).back();
  };
  const int32_t end = (*model)->tokenizer()->end_tokens()[0];
  int stopped = 0;
  int64_t accepted = 0;
  for (uint32_t seed = 0; seed < 24; ++seed) {
    GenerateRequest request = letters(seed);
    for (const char* text : {"a", "b", "c", "d"}) request.sampling.logit_bias[letter(text)] = 30;
    if (seed % 3 == 0) request.sampling.logit_bias[end] = 28;
    if (seed % 3 != 0) request.stop = {"abca", "dd", "cbd"};
    const Answered with = ask(*fast, request), without = ask(*plain, request);
    EXPECT_EQ(with.told, without.told) << seed;
    stopped += with.told.reason == FinishReason::kStop;
    accepted += with.accepted;
  }
  EXPECT_GT(stopped, 8);
  EXPECT_GT(accepted, 20);
}

TEST(Speculation, AnExpectedTextComesInFewSteps) {
  const std::string file = "gguf/tiny.gguf";
  const auto plain = load(file, Speculation::kNone);
  const auto fast = load(file, Speculation::kAlways);
  GenerateRequest request = letters(2);
  const Told without = ask(*plain, request).told;
  request.expected_text = without.text;
  const Answered right = ask(*fast, request);
  EXPECT_EQ(right.told, without);
  EXPECT_GT(right.accepted, 20);
  request.expected_text = "something else entirely";
  request.principal.tenant = "another";  // nothing is cached
  EXPECT_EQ(ask(*fast, request).told, without);
}

TEST(Speculation, CancelledAnswersEnd) {
  const auto fast = load("golden/llama2-gqa", Speculation::kAlways);
  auto answer = std::move(fast->generate(few_words(1, 150))).value();
  answer->next();
  answer->cancel();
  const Told out = collect(std::move(answer)).told;
  EXPECT_TRUE(out.reason == FinishReason::kCancelled || out.reason == FinishReason::kLength);
  GenerateRequest late = few_words(1, 150);
  late.deadline_us = now_us() - 1;
  EXPECT_FALSE(ask(*fast, late).told.error.empty());
}

}  // namespace
}  // namespace overtake
