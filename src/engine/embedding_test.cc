// Embeddings of models on this machine: the mean of transformers' hidden states, alone and in any
// company, within the context, and without an answer held up.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

#include "base/file.h"
#include "engine/embed_job.h"
#include "engine/local_generator.h"
#include "engine/null_generator.h"
#include "format/safetensors.h"

namespace overtake {
namespace {

std::string folder_of(const std::string& model) {
  return OVERTAKE_TEST_DATA_DIR "/golden/" + model;
}

std::shared_ptr<Generator> load(const std::string& path, uint64_t kv_bytes = 64u << 20) {
  auto generator =
      make_local_generator({.path = path, .name = "golden", .n_threads = 2, .kv_bytes = kv_bytes});
  EXPECT_TRUE(generator.ok()) << generator.error().message;
  return *generator;
}

struct Embeddings {
  std::map<size_t, std::vector<float>> vectors;
  std::vector<size_t> truncated;
  UsageEvent usage;
  std::optional<FinishedEvent> finished;
  std::optional<FailedEvent> failed;
};

Embeddings collect(Answer answer) {
  Embeddings out;
  for (;;) {
    Event event = answer->next();
    if (auto* vector = std::get_if<EmbeddingEvent>(&event)) {
      EXPECT_FALSE(out.vectors.contains(vector->index));
      if (vector->truncated) out.truncated.push_back(vector->index);
      out.vectors[vector->index] = std::move(vector->values);
    }
    if (auto* usage = std::get_if<UsageEvent>(&event)) out.usage = *usage;
    if (auto* finished = std::get_if<FinishedEvent>(&event)) out.finished = *finished;
    if (auto* failed = std::get_if<FailedEvent>(&event)) out.failed = *failed;
    if (is_last(event)) return out;
  }
}

EmbedRequest request_of(std::vector<std::vector<int32_t>> inputs) {
  EmbedRequest request;
  for (auto& ids : inputs) request.inputs.push_back({TokenPrompt{std::move(ids)}});
  return request;
}

Embeddings ask(Generator& generator, EmbedRequest request) {
  auto answer = generator.embed(std::move(request));
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  return collect(std::move(answer).value());
}

std::vector<int32_t> some_ids(int n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(static_cast<size_t>(n));
  for (int32_t& id : ids) id = static_cast<int32_t>(12 + random() % 300);
  return ids;
}

double length_of(const std::vector<float>& values) {
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return std::sqrt(squares);
}

// What transformers computed for a golden model.
struct Expected {
  std::vector<int32_t> ids;
  std::vector<double> mean;  // of the last hidden states
};

Expected expected_of(const std::string& folder) {
  const auto file = MappedFile::open(folder + "/expected.safetensors");
  EXPECT_TRUE(file.ok());
  const auto table = read_safetensors_table(file->bytes(), "expected.safetensors");
  EXPECT_TRUE(table.ok());
  Expected out;
  int last = -1;
  const SafetensorsEntry* hidden = nullptr;
  for (const SafetensorsEntry& entry : *table) {
    if (entry.name == "input_ids") {
      const auto ids = entry.to_i64();
      out.ids.assign(ids->begin(), ids->end());
    }
    if (!entry.name.starts_with("hidden.")) continue;
    if (const int k = std::stoi(entry.name.substr(7)); k > last) {
      last = k;
      hidden = &entry;
    }
  }
  EXPECT_TRUE(hidden);
  const auto* values = reinterpret_cast<const float*>(hidden->data.data());
  const size_t width = hidden->data.size() / sizeof(float) / out.ids.size();
  out.mean.assign(width, 0);
  for (size_t i = 0; i < out.ids.size() * width; ++i) {
    out.mean[i % width] += double{values[i]} / static_cast<double>(out.ids.size());
  }
  return out;
}

class GoldenEmbeddings : public testing::TestWithParam<const char*> {};

TEST_P(GoldenEmbeddings, AreTheMeanOfTransformersLastHiddenStates) {
  const Expected expected = expected_of(folder_of(GetParam()));
  const auto generator = load(folder_of(GetParam()));
  const Embeddings out = ask(*generator, request_of({expected.ids}));
  ASSERT_EQ(out.vectors.size(), 1u);
  const std::vector<float>& vector = out.vectors.at(0);
  ASSERT_EQ(vector.size(), expected.mean.size());
  EXPECT_EQ(out.usage.prompt_tokens, static_cast<int64_t>(expected.ids.size()));
  double squares = 0;
  for (const double value : expected.mean) squares += value * value;
  // The golden tolerance of 2e-4 on states, seen from a mean of this length.
  const double bound = 2e-4 / std::sqrt(squares);
  for (size_t j = 0; j < vector.size(); ++j) {
    EXPECT_NEAR(vector[j], expected.mean[j] / std::sqrt(squares), bound) << j;
  }
  EXPECT_NEAR(length_of(vector), 1, 1e-5);
}

// Inputs of all lengths in one request, short ones beside long ones that take several steps.
TEST_P(GoldenEmbeddings, AreTheSameBitsAloneAndInAnyCompany) {
  const auto generator = load(folder_of(GetParam()));
  std::vector<std::vector<int32_t>> inputs;
  for (int i = 0; i < 40; ++i) inputs.push_back(some_ids(1 + i * 6 % 250, 100 + i));
  const Embeddings together = ask(*generator, request_of(inputs));
  ASSERT_EQ(together.vectors.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(ask(*generator, request_of({inputs[i]})).vectors.at(0), together.vectors.at(i)) << i;
  }
}

TEST_P(GoldenEmbeddings, AreTheSameBitsBesideAnswersBeingWritten) {
  const auto generator = load(folder_of(GetParam()));
  const auto ids = some_ids(200, 5);
  const Embeddings alone = ask(*generator, request_of({ids, ids}));
  GenerateRequest request;
  request.prompt = TokenPrompt{some_ids(30, 6)};
  request.max_tokens = 100;
  request.sampling.temperature = 0;
  request.ignore_end = true;
  auto answer = generator->generate(request);
  ASSERT_TRUE(answer.ok());
  std::get<StartedEvent>((*answer)->next());
  const Embeddings beside = ask(*generator, request_of({ids, ids}));
  EXPECT_EQ(beside.vectors, alone.vectors);
  Event event = (*answer)->next();
  while (!is_last(event)) event = (*answer)->next();
  EXPECT_TRUE(std::holds_alternative<FinishedEvent>(event));
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenEmbeddings,
                         testing::Values("llama2-gqa", "falcon-7b", "falcon-mamba", "falcon-h1",
                                         "llama-dynamic"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Embedding, KeepsTheFirstDimensionsAtLengthOne) {
  const auto generator = load(folder_of("llama2-gqa"));
  const auto ids = some_ids(20, 1);
  const auto whole = ask(*generator, request_of({ids})).vectors.at(0);
  EmbedRequest request = request_of({ids});
  request.dimensions = 5;
  const auto cut = ask(*generator, request).vectors.at(0);
  ASSERT_EQ(cut.size(), 5u);
  EXPECT_NEAR(length_of(cut), 1, 1e-6);
  for (size_t j = 1; j < cut.size(); ++j) EXPECT_NEAR(cut[j] / cut[0], whole[j] / whole[0], 1e-4);
  request.dimensions = static_cast<int64_t>(whole.size()) + 1;
  const auto refused = generator->embed(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

TEST(Embedding, OfAnInputThatDoesNotFitIsRefusedOrCut) {
  const auto generator = load(folder_of("llama2-gqa"));
  const auto longest = static_cast<int>(generator->info().context_length);
  const auto ids = some_ids(longest + 1, 2);
  const Embeddings refused = ask(*generator, request_of({some_ids(3, 1), ids}));
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->error.code, ErrorCode::kContextLength);
  EXPECT_NE(refused.failed->error.message.find("input 1 has"), std::string::npos)
      << refused.failed->error.message;

  EmbedRequest request = request_of({some_ids(3, 1), ids});
  request.truncate = true;
  const Embeddings cut = ask(*generator, request);
  EXPECT_EQ(cut.truncated, std::vector<size_t>{1});
  EXPECT_EQ(cut.usage.prompt_tokens, 3 + longest);
  EXPECT_EQ(cut.vectors.at(1),
            ask(*generator, request_of({{ids.begin(), ids.end() - 1}})).vectors.at(0));
}

TEST(Embedding, OfWhatTheModelCanNotReadIsRefusedAtOnce) {
  const auto generator = load(folder_of("llama2-gqa"));
  EmbedRequest text;
  text.inputs.push_back({TextPrompt{"this model has no vocabulary"}});
  EXPECT_EQ(generator->embed(text).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(generator->embed(request_of({{1'000'000}})).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(generator->embed(request_of({{}})).error().code, ErrorCode::kInvalidArgument);
}

// A cancelled list of thousands gives way to the next request.
TEST(Embedding, EndsWhenItsReaderLeaves) {
  const auto generator = load(folder_of("llama2-gqa"));
  {
    std::vector<std::vector<int32_t>> many;
    for (int i = 0; i < 2000; ++i) many.push_back(some_ids(250, static_cast<uint32_t>(i)));
    auto answer = generator->embed(request_of(std::move(many)));
    ASSERT_TRUE(answer.ok());
    (*answer)->next();
    (*answer)->cancel();
    Embeddings rest = collect(std::move(*answer));
    ASSERT_TRUE(rest.finished);
    EXPECT_EQ(rest.finished->reason, FinishReason::kCancelled);
    EXPECT_LT(rest.vectors.size(), 2000u);
  }
  EXPECT_EQ(ask(*generator, request_of({some_ids(3, 1)})).vectors.size(), 1u);
}

// Memory for attention state of two inputs at most: the others wait for their turn.
TEST(Embedding, ManyInputsShareLittleMemory) {
  for (const char* model : {"llama2-gqa", "falcon-h1"}) {
    const auto roomy = load(folder_of(model));
    const auto narrow = load(folder_of(model), model[0] == 'l' ? 60'000 : 300'000);
    const int length = static_cast<int>(std::min<int64_t>(narrow->info().context_length, 60));
    std::vector<std::vector<int32_t>> inputs;
    for (int i = 0; i < 30; ++i) inputs.push_back(some_ids(length, static_cast<uint32_t>(i)));
    EXPECT_EQ(ask(*narrow, request_of(inputs)).vectors, ask(*roomy, request_of(inputs)).vectors);
  }
}

TEST(Embedding, OfATextCountsTheTokensThatTheModelReads) {
  const auto generator = load(OVERTAKE_TEST_DATA_DIR "/gguf/tiny.gguf");
  const std::string text = "Hello, how are you?";
  EmbedRequest request;
  request.inputs = {{TextPrompt{text}}, {TextPrompt{"other words"}}, {TextPrompt{text}}};
  const Embeddings out = ask(*generator, request);
  ASSERT_EQ(out.vectors.size(), 3u);
  EXPECT_EQ(out.vectors.at(0), out.vectors.at(2));
  EXPECT_NE(out.vectors.at(0), out.vectors.at(1));
  int64_t n_tokens = 0;
  for (const EmbedInput& input : request.inputs) {
    GenerateRequest counted;
    counted.prompt = std::get<TextPrompt>(input.content);
    auto answer = generator->count_tokens(counted);
    ASSERT_TRUE(answer.ok());
    n_tokens += std::get<UsageEvent>((*answer)->next()).prompt_tokens;
  }
  EXPECT_EQ(out.usage.prompt_tokens, n_tokens);
}

TEST(Embedding, OfATextThatDoesNotFitIsCutAtACharacter) {
  const auto generator = load(OVERTAKE_TEST_DATA_DIR "/gguf/tiny.gguf");
  EmbedRequest request;
  std::string text;
  while (text.size() < 3'000'000) text += "\u00e4\u20ac";
  request.inputs = {{TextPrompt{std::move(text)}}};
  EXPECT_EQ(ask(*generator, request).failed->error.code, ErrorCode::kContextLength);
  request.truncate = true;
  const Embeddings out = ask(*generator, request);
  EXPECT_EQ(out.truncated, std::vector<size_t>{0});
  EXPECT_EQ(out.usage.prompt_tokens, generator->info().context_length);
}

TEST(Embedding, OfNullIsAlwaysTheSame) {
  const auto null = make_null_generator();
  EmbedRequest request;
  request.inputs = {{TextPrompt{"four bytes a token"}}, {TokenPrompt{{1, 2, 3}}}};
  request.dimensions = 4;
  const Embeddings out = ask(*null, request);
  EXPECT_EQ(out.vectors.at(0), std::vector<float>(4, 0.5f));
  EXPECT_EQ(out.vectors.at(1), out.vectors.at(0));
  EXPECT_EQ(out.usage.prompt_tokens, 5 + 3);
}

TEST(Embedding, WithoutADirectionIsAnError) {
  EXPECT_FALSE(unit_vector(std::vector<double>{0, 0, 1}, 2).ok());
  EXPECT_FALSE(unit_vector(std::vector<double>{1, NAN}, 2).ok());
  EXPECT_EQ(*unit_vector(std::vector<double>{6, 8, 5}, 2), (std::vector<float>{0.6f, 0.8f}));
}

}  // namespace
}  // namespace overtake
