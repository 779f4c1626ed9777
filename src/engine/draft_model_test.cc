// Answers with a draft model and without are the same, whatever the draft model is worth.
#include "engine/speculation/draft_model.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/local_generator.h"

namespace overtake {
namespace {

const std::string kData = OVERTAKE_TEST_DATA_DIR "/";

Result<std::shared_ptr<Generator>> open(const std::string& model, const std::string& draft,
                                        Speculation speculation, uint64_t kv_bytes = 64u << 20) {
  LocalModelOptions options;
  options.path = kData + model;
  options.name = "model";
  options.n_threads = 2;
  options.speculation = speculation;
  if (!draft.empty()) options.draft_path = kData + draft;
  options.kv_bytes = kv_bytes;
  return make_local_generator(options);
}

std::shared_ptr<Generator> load(const std::string& model, const std::string& draft,
                                Speculation speculation = Speculation::kAlways) {
  auto generator = open(model, draft, speculation);
  EXPECT_TRUE(generator.ok()) << generator.error().message;
  return *generator;
}

struct Told {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<double> logprobs;
  int64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  FinishReason reason = FinishReason::kStop;
  std::string error;
  bool operator==(const Told&) const = default;
};

struct Answered {
  Told told;
  UsageEvent usage;
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
      }
    } else if (const auto* usage = std::get_if<UsageEvent>(&event)) {
      out.usage = *usage;
      out.told.prompt_tokens = usage->prompt_tokens;
      out.told.cached_tokens = usage->cached_tokens;
      out.told.completion_tokens = usage->completion_tokens;
    } else if (const auto* finished = std::get_if<FinishedEvent>(&event)) {
      out.told.reason = finished->reason;
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

GenerateRequest random_prompt(uint32_t seed, int64_t max_tokens, double temperature = 0) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(10 + random() % 60);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % 320);
  GenerateRequest request;
  request.prompt = TokenPrompt{std::move(ids)};
  request.max_tokens = max_tokens;
  request.sampling.temperature = temperature;
  request.sampling.seed = seed;
  request.top_logprobs = 1;
  request.ignore_end = true;
  request.principal.tenant = std::to_string(seed);
  return request;
}

// The same tokens by the same random numbers: guesses of the model itself all hold, drawn ones too.
TEST(DraftModel, TheModelItselfIsAlwaysRight) {
  const auto plain = load("golden/llama2-gqa", "", Speculation::kNone);
  const auto fast = load("golden/llama2-gqa", "golden/llama2-gqa");
  int64_t accepted = 0, rejected = 0;
  for (uint32_t seed = 0; seed < 12; ++seed) {
    GenerateRequest request = random_prompt(seed, 60, seed % 3);
    if (seed % 4 == 1) request.sampling.top_k = 20;
    if (seed % 4 == 2) request.sampling.repetition_penalty = 1.3;
    if (seed % 4 == 3) request.sampling.logit_bias[7] = 3;
    const Answered with = ask(*fast, request);
    EXPECT_EQ(with.told, ask(*plain, request).told) << seed;
    accepted += with.usage.accepted_model_guesses;
    rejected += with.usage.rejected_model_guesses;
    EXPECT_LE(with.usage.accepted_model_guesses, with.usage.accepted_draft_tokens);
  }
  // Prompts are read in bf16 where the machine does: the two may part where logits are that close.
  EXPECT_GT(accepted, 350);
  EXPECT_LT(rejected, accepted / 20);
}

TEST(DraftModel, AModelThatIsMostlyWrongChangesNothing) {
  const auto plain = load("golden/llama2-gqa", "", Speculation::kNone);
  for (const auto speculation : {Speculation::kAlways, Speculation::kWhereFaster}) {
    const auto fast = load("golden/llama2-gqa", "golden/mistral", speculation);
    int64_t accepted = 0, rejected = 0;
    for (uint32_t seed = 0; seed < 10; ++seed) {
      const GenerateRequest request = random_prompt(seed, 100, seed % 3);
      const Answered with = ask(*fast, request);
      EXPECT_EQ(with.told, ask(*plain, request).told) << seed;
      accepted += with.usage.accepted_model_guesses;
      rejected += with.usage.rejected_model_guesses;
    }
    EXPECT_LT(accepted, 300);
    const bool always = speculation == Speculation::kAlways;
    EXPECT_GT(rejected, always ? 1000 : -1);
    EXPECT_LT(rejected, always ? 10'000 : 100);  // it gives up
  }
}

TEST(DraftModel, ServesEveryArchitectureThatVerifies) {
  for (const char* model : {"falcon-7b", "falcon-40b", "falcon-rw", "mistral", "llama3-rope"}) {
    const std::string file = std::string("golden/") + model;
    for (const std::string& draft : {file, std::string("golden/llama-dynamic")}) {
      const auto plain = load(file, "", Speculation::kNone);
      const auto fast = load(file, draft);
      for (uint32_t seed = 0; seed < 3; ++seed) {
        const GenerateRequest request = random_prompt(seed, 50, seed);
        EXPECT_EQ(ask(*fast, request).told, ask(*plain, request).told) << model << " " << draft;
      }
    }
  }
}

TEST(DraftModel, ManyAtOnceGetWhatEachGetsAlone) {
  const auto plain = load("golden/llama2-gqa", "", Speculation::kNone);
  for (const std::string draft : {"golden/llama2-gqa", "golden/mistral"}) {
    const auto fast = load("golden/llama2-gqa", draft);
    std::vector<Answer> answers;
    const auto request = [](uint32_t i) { return random_prompt(i, 1 + 9 * (i % 13), i % 3); };
    for (uint32_t i = 0; i < 24; ++i) {
      answers.push_back(std::move(fast->generate(request(i))).value());
    }
    for (uint32_t i = 0; i < 24; ++i) {
      EXPECT_EQ(collect(std::move(answers[i])).told, ask(*plain, request(i)).told) << i;
    }
  }
}

TEST(DraftModel, EndsAtTheLengthThatWasAskedAndWithTheContext) {
  const auto plain = load("golden/llama2-gqa", "", Speculation::kNone);
  const auto fast = load("golden/llama2-gqa", "golden/llama2-gqa");
  for (int64_t n = 0; n < 24; ++n) {
    const Answered with = ask(*fast, random_prompt(1, n));
    EXPECT_EQ(with.told, ask(*plain, random_prompt(1, n)).told) << n;
    EXPECT_LE(with.usage.accepted_draft_tokens, std::max<int64_t>(0, n - 1));
  }
  EXPECT_EQ(ask(*fast, random_prompt(1, 10'000)).told, ask(*plain, random_prompt(1, 10'000)).told);
}

// The state that a draft model has of an answer serves the next turn, as the model's own does.
TEST(DraftModel, NextTurnsAreTheSame) {
  const auto plain = load("golden/llama2-gqa", "", Speculation::kNone);
  const auto fast = load("golden/llama2-gqa", "golden/llama2-gqa");
  for (uint32_t seed = 0; seed < 6; ++seed) {
    std::vector<Told> turns[2];
    for (const auto& generator : {plain, fast}) {
      GenerateRequest request = random_prompt(seed, 50);
      for (int turn = 0; turn < 3; ++turn) {
        turns[generator == fast].push_back(ask(*generator, request).told);
        auto& ids = std::get<TokenPrompt>(request.prompt).ids;
        const auto& answer = turns[generator == fast].back().ids;
        ids.insert(ids.end(), answer.begin(), answer.end() - turn);
        ids.push_back(20);
      }
    }
    EXPECT_EQ(turns[1], turns[0]) << seed;
    EXPECT_GT(turns[1][1].cached_tokens, 0);
  }
}

// Memory for few sequences at once: the draft model's is counted with it.
TEST(DraftModel, ManySequencesInLittleMemory) {
  const auto plain = load("golden/llama2-gqa", "", Speculation::kNone);
  const auto tight = open("golden/llama2-gqa", "golden/llama2-gqa", Speculation::kAlways, 1u << 20);
  ASSERT_TRUE(tight.ok());
  const auto roomy = open("golden/llama2-gqa", "", Speculation::kAlways, 1u << 20);
  ASSERT_TRUE(roomy.ok());
  std::vector<Answer> answers;
  for (uint32_t i = 0; i < 40; ++i) {
    answers.push_back(std::move((*tight)->generate(random_prompt(i, 60))).value());
  }
  for (uint32_t i = 0; i < 40; ++i) {
    EXPECT_EQ(collect(std::move(answers[i])).told, ask(*plain, random_prompt(i, 60)).told) << i;
  }
  EXPECT_LE((*tight)->info().context_length, (*roomy)->info().context_length);
}

TEST(DraftModel, CancelledAnswersEnd) {
  const auto fast = load("golden/llama2-gqa", "golden/mistral");
  for (int i = 0; i < 3; ++i) {
    auto answer = std::move(fast->generate(random_prompt(1, 150))).value();
    for (int j = 0; j < i; ++j) answer->next();
    answer->cancel();
    const Told out = collect(std::move(answer)).told;
    EXPECT_TRUE(out.reason == FinishReason::kCancelled || out.reason == FinishReason::kLength);
  }
  EXPECT_EQ(ask(*fast, random_prompt(2, 20)).told.completion_tokens, 20);
}

TEST(DraftModel, RefusesWhatCanNotDraft) {
  const auto refused = [](const std::string& model, const std::string& draft) {
    const auto generator = open(model, draft, Speculation::kWhereFaster);
    return generator.ok() ? std::string() : generator.error().message;
  };
  EXPECT_NE(refused("golden/llama2-gqa", "gguf/tiny.gguf").find("320 tokens without names"),
            std::string::npos);
  EXPECT_NE(refused("golden/llama2-gqa", "golden/falcon-h1").find("take its guesses back"),
            std::string::npos);
  EXPECT_NE(refused("golden/falcon-mamba", "golden/llama2-gqa").find("not verify guesses"),
            std::string::npos);
  EXPECT_NE(refused("golden/llama2-gqa", "golden/none"), "");
}

Metadata vocabulary(std::vector<std::string> more) {
  Metadata m("test.gguf");
  std::vector<std::string> tokens = {"<s>", "</s>", "a", "b", "ab"};
  tokens.insert(tokens.end(), more.begin(), more.end());
  m.set("tokenizer.ggml.token_type", [&] {
    std::vector<int64_t> types(tokens.size(), 1);
    types[0] = types[1] = 3;
    return types;
  }());
  m.set("tokenizer.ggml.model", std::string("gpt2"));
  m.set("tokenizer.ggml.pre", std::string("gpt-2"));
  m.set("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  m.set("tokenizer.ggml.tokens", std::move(tokens));
  return m;
}

TEST(DraftModel, VocabulariesDifferInPaddingOnly) {
  const auto difference = [](std::vector<std::string> a, std::vector<std::string> b) {
    const auto first = Tokenizer::load(vocabulary(std::move(a)), "a");
    const auto second = Tokenizer::load(vocabulary(std::move(b)), "b");
    EXPECT_TRUE(first.ok() && second.ok());
    return vocabulary_difference(**first, **second).value_or("");
  };
  EXPECT_EQ(difference({"c"}, {"c"}), "");
  EXPECT_EQ(difference({"c"}, {"c", "[PAD6]", "<unused7>"}), "");
  EXPECT_EQ(difference({"c", "[PAD6]"}, {"c"}), "");
  EXPECT_EQ(difference({"c"}, {"d"}), "token 5 is \"c\" in the model and \"d\" in the draft model");
  EXPECT_EQ(difference({"c", "d"}, {"c"}),
            "token 6 is \"d\" in the model and missing in the draft model");
}

}  // namespace
}  // namespace overtake
