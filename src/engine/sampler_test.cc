#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace overtake {
namespace {

const std::vector<float> kLogits = {1.0f, 3.0f, 2.0f, 0.0f, -1.0f};

std::map<int32_t, int> draw_many(const SamplingParams& params, int n,
                                 const std::vector<float>& logits = kLogits) {
  std::map<int32_t, int> counts;
  for (int seed = 0; seed < n; ++seed) {
    Sampler sampler(params, static_cast<uint64_t>(seed));
    ++counts[*sampler.sample(logits, {}, {})];
  }
  return counts;
}

// The share of each token among n draws lies within five standard deviations of its probability.
void expect_distribution(const std::map<int32_t, int>& counts, int n,
                         const std::map<int32_t, double>& expected) {
  for (const auto& [id, p] : expected) {
    const auto found = counts.find(id);
    const double share = found == counts.end() ? 0 : static_cast<double>(found->second) / n;
    EXPECT_NEAR(share, p, 5 * std::sqrt(p * (1 - p) / n)) << "token " << id;
  }
  for (const auto& [id, count] : counts) EXPECT_TRUE(expected.contains(id)) << "token " << id;
}

std::map<int32_t, double> softmax(const std::map<int32_t, double>& logits) {
  std::map<int32_t, double> out;
  double total = 0;
  for (const auto& [id, logit] : logits) total += out[id] = std::exp(logit);
  for (auto& [id, p] : out) p /= total;
  return out;
}

TEST(Sampler, TemperatureZeroTakesTheBestAndOfEqualOnesTheFirst) {
  SamplingParams params{.temperature = 0};
  EXPECT_EQ(draw_many(params, 20), (std::map<int32_t, int>{{1, 20}}));
  EXPECT_EQ(draw_many(params, 5, {1, 2, 2, 0}), (std::map<int32_t, int>{{1, 5}}));
}

TEST(Sampler, DrawsFromTheSoftmax) {
  const int n = 20000;
  expect_distribution(draw_many({}, n), n, softmax({{0, 1}, {1, 3}, {2, 2}, {3, 0}, {4, -1}}));
}

TEST(Sampler, TemperatureDividesTheLogits) {
  const int n = 20000;
  expect_distribution(draw_many({.temperature = 2.0}, n), n,
                      softmax({{0, .5}, {1, 1.5}, {2, 1}, {3, 0}, {4, -.5}}));
}

TEST(Sampler, TopKKeepsTheBest) {
  const int n = 10000;
  expect_distribution(draw_many({.top_k = 2}, n), n, softmax({{1, 3}, {2, 2}}));
  EXPECT_EQ(draw_many({.top_k = 1}, 50), (std::map<int32_t, int>{{1, 50}}));
  expect_distribution(draw_many({.top_k = 100}, n), n,
                      softmax({{0, 1}, {1, 3}, {2, 2}, {3, 0}, {4, -1}}));
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  // Probabilities of kLogits, best first: 0.636, 0.234, 0.086, 0.032, 0.012.
  const int n = 10000;
  EXPECT_EQ(draw_many({.top_p = 0.6}, 100), (std::map<int32_t, int>{{1, 100}}));
  expect_distribution(draw_many({.top_p = 0.65}, n), n, softmax({{1, 3}, {2, 2}}));
  expect_distribution(draw_many({.top_p = 0.9}, n), n, softmax({{1, 3}, {2, 2}, {0, 1}}));
}

TEST(Sampler, MinPDropsWhatIsFarBelowTheBest) {
  const int n = 10000;
  // exp(-1) = 0.37, exp(-2) = 0.14 of the best.
  expect_distribution(draw_many({.min_p = 0.2}, n), n, softmax({{1, 3}, {2, 2}}));
  EXPECT_EQ(draw_many({.min_p = 0.5}, 100), (std::map<int32_t, int>{{1, 100}}));
}

TEST(Sampler, RepetitionPenaltyWeighsTokensOfPromptAndAnswerOnce) {
  SamplingParams params{.temperature = 0, .repetition_penalty = 2.0};
  Sampler sampler(params, 0);
  const std::vector<int32_t> prompt = {1, 1, 1}, generated = {2};
  // 3 / 2 = 1.5 and 2 / 2 = 1: token 1 stays best; once more halved it would lose.
  EXPECT_EQ(sampler.sample(kLogits, prompt, generated), 1);
  const std::vector<float> negative = {-2.0f, -1.5f};
  const std::vector<int32_t> second = {1};
  EXPECT_EQ(sampler.sample(negative, second, {}), 0);  // -1.5 * 2 = -3
}

TEST(Sampler, PresenceAndFrequencyCountTheAnswerOnly) {
  Sampler presence({.temperature = 0, .presence_penalty = 1.5}, 0);
  const std::vector<int32_t> ones = {1, 1};
  EXPECT_EQ(presence.sample(kLogits, ones, {}), 1);  // the prompt does not count
  EXPECT_EQ(presence.sample(kLogits, {}, ones), 2);  // 3 - 1.5 < 2
  Sampler frequency({.temperature = 0, .frequency_penalty = 0.6}, 0);
  EXPECT_EQ(frequency.sample(kLogits, {}, std::vector<int32_t>{1}), 1);  // 2.4
  EXPECT_EQ(frequency.sample(kLogits, {}, ones), 2);                     // 1.8
}

TEST(Sampler, LogitBiasForcesAndBans) {
  EXPECT_EQ(draw_many({.logit_bias = {{4, 100.0}}}, 50), (std::map<int32_t, int>{{4, 50}}));
  const auto counts = draw_many({.logit_bias = {{1, -100.0}}}, 2000);
  EXPECT_FALSE(counts.contains(1));
}

TEST(Sampler, SameSeedSameTokensAtEveryStep) {
  std::vector<int32_t> first, second;
  for (auto* text : {&first, &second}) {
    Sampler sampler({}, 7);
    for (int i = 0; i < 50; ++i) text->push_back(*sampler.sample(kLogits, {}, *text));
  }
  EXPECT_EQ(first, second);
  EXPECT_GT(std::set<int32_t>(first.begin(), first.end()).size(), 1u);  // steps differ
}

TEST(Sampler, LogitsThatAreNoNumbersAreNotDrawn) {
  const std::vector<float> mixed = {NAN, 1.0f, -INFINITY, INFINITY};
  EXPECT_EQ(draw_many({}, 50, mixed), (std::map<int32_t, int>{{1, 50}}));
  EXPECT_EQ(draw_many({.temperature = 0}, 5, mixed), (std::map<int32_t, int>{{1, 5}}));
  const std::vector<float> none = {NAN, NAN};
  for (const SamplingParams& params :
       {SamplingParams{}, SamplingParams{.temperature = 0}, SamplingParams{.top_k = 1},
        SamplingParams{.top_p = 0.5}, SamplingParams{.min_p = 0.5}}) {
    EXPECT_FALSE(Sampler(params, 0).sample(none, {}, {}).has_value());
  }
}

TEST(SamplingParams, RangesAreCheckedByName) {
  const auto problem = [](const SamplingParams& params) {
    const Status status = check_sampling(params);
    return status.ok() ? std::string() : status.error().message.substr(0, 12);
  };
  EXPECT_EQ(problem({}), "");
  EXPECT_TRUE(problem({.temperature = -1}).starts_with("temperature"));
  EXPECT_TRUE(problem({.temperature = NAN}).starts_with("temperature"));
  EXPECT_TRUE(problem({.top_k = -1}).starts_with("top_k"));
  EXPECT_TRUE(problem({.top_p = 0}).starts_with("top_p"));
  EXPECT_TRUE(problem({.top_p = 1.5}).starts_with("top_p"));
  EXPECT_TRUE(problem({.min_p = 1}).starts_with("min_p"));
  EXPECT_TRUE(problem({.repetition_penalty = 0}).starts_with("repetition"));
  EXPECT_TRUE(problem({.presence_penalty = 2.5}).starts_with("presence"));
  EXPECT_TRUE(problem({.frequency_penalty = NAN}).starts_with("frequency"));
  EXPECT_TRUE(problem({.logit_bias = {{0, 101.0}}}).starts_with("logit_bias"));
}

TEST(RowLogprobs, AreTheLogSoftmax) {
  const RowLogprobs row = row_logprobs(kLogits, 2, 2);
  const auto p = softmax({{0, 1}, {1, 3}, {2, 2}, {3, 0}, {4, -1}});
  EXPECT_NEAR(row.chosen, std::log(p.at(2)), 1e-6);
  ASSERT_EQ(row.top.size(), 2u);
  EXPECT_EQ(row.top[0].first, 1);
  EXPECT_NEAR(row.top[0].second, std::log(p.at(1)), 1e-6);
  EXPECT_EQ(row.top[1].first, 2);
  EXPECT_EQ(row_logprobs(kLogits, 0, 50).top.size(), kLogits.size());
}

}  // namespace
}  // namespace overtake
