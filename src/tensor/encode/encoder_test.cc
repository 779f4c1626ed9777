// The search against slow ones that leave nothing out, and the promises of Encoder.
#include "tensor/encode/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace overtake {
namespace {

std::vector<float> normal_numbers(size_t n, int seed, float scale = 0.02f) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> out(n);
  for (float& x : out) x = normal(random);
  return out;
}

std::vector<std::byte> encoded(const QuantType& type, const std::vector<float>& values,
                               std::span<const float> importance = {}, Isa isa = Isa::kScalar) {
  const int64_t n = static_cast<int64_t>(values.size());
  std::vector<std::byte> out(static_cast<size_t>(type.row_bytes(n)));
  Encoder(type, isa).encode(values, importance, out.data());
  return out;
}

std::vector<float> decoded(const QuantType& type, const std::vector<std::byte>& blocks, size_t n) {
  std::vector<float> out(n);
  type.decode(blocks.data(), out.data(), static_cast<int64_t>(n));
  return out;
}

std::vector<float> through(const QuantType& type, const std::vector<float>& values) {
  return decoded(type, encoded(type, values), values.size());
}

// As Encoder weighs where no importance is known.
double loss(std::span<const float> block, std::span<const float> other) {
  double mean = 0;
  for (const float x : block) mean += double{x} * x / static_cast<double>(block.size());
  double out = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    const double error = double{block[i]} - other[i];
    out += std::sqrt(std::sqrt(mean + double{block[i]} * block[i])) * error * error;
  }
  return out;
}

// The least loss of one group for any real scale and min: a fine net over both.
double least_loss(const SearchSpec& spec, std::span<const float> group,
                  std::span<const double> weights, bool has_min) {
  const auto [low, high] = std::ranges::minmax(group);
  const float largest = std::max(std::abs(low), std::abs(high));
  const double base = has_min ? (high - std::min(low, 0.0f)) / spec.high : largest / spec.high;
  double best = std::numeric_limits<double>::infinity();
  for (int i = -300; i <= 300; ++i) {
    if (has_min && i <= 0) continue;
    const double scale = base * i / 200.0;
    if (scale == 0) continue;
    for (int k = 0; k <= (has_min ? 120 : 0); ++k) {
      const double min = has_min ? -std::min(low, 0.0f) * k / 100.0 : 0;
      double sum = 0;
      for (size_t j = 0; j < group.size(); ++j) {
        const double y = (group[j] + min) / scale;
        double q = std::clamp<double>(std::nearbyint(y), spec.low, spec.high);
        if (spec.n_levels) {
          q = *std::min_element(
              spec.level.begin(), spec.level.begin() + spec.n_levels,
              [&](float a, float b) { return std::abs(a - y) < std::abs(b - y); });
        }
        const double error = group[j] - (scale * q - min);
        sum += weights[j] * error * error;
      }
      best = std::min(best, sum);
    }
  }
  return best;
}

class EverySearchedType : public testing::TestWithParam<const QuantType*> {
 protected:
  const QuantType& type() const { return *GetParam(); }
  size_t block() const { return static_cast<size_t>(type().block); }
};

std::vector<const QuantType*> searched_types() {
  std::vector<const QuantType*> out;
  for (const QuantType* type : all_quant_types()) {
    if (type->from_integers) out.push_back(type);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Registry, EverySearchedType, testing::ValuesIn(searched_types()),
                         [](const auto& test) { return std::string(test.param->name); });

// Scales and mins of 4 to 8 bits cost something beside real numbers: most with the 16 steps of
// Q2_K.
TEST_P(EverySearchedType, ComesCloseToTheBestOfEveryScaleAndMin) {
  const std::vector<float> values = normal_numbers(1024, 3);
  const std::vector<float> result = through(type(), values);
  const SearchSpec spec = make_search_spec(type());
  const size_t group = static_cast<size_t>(spec.group);
  double best = 0;
  double ours = 0;
  for (size_t first = 0; first < values.size(); first += block()) {
    const std::span<const float> all(values.data() + first, block());
    double mean = 0;
    for (const float x : all) mean += double{x} * x / static_cast<double>(block());
    ours += loss(all, {result.data() + first, block()});
    for (size_t g = 0; g < block(); g += group) {
      std::vector<double> weights;
      for (size_t j = g; j < g + group; ++j)
        weights.push_back(std::sqrt(std::sqrt(mean + all[j] * all[j])));
      best += least_loss(spec, all.subspan(g, group), weights, type().integer->has_min);
    }
  }
  const double allowed = type().name == "Q2_K" ? 1.15 : 1.1;
  EXPECT_LT(ours, allowed * best);
}

TEST_P(EverySearchedType, LosesLessThanPlainRounding) {
  if (!type().encode) return;
  const std::vector<float> values = normal_numbers(8192, 4);
  std::vector<std::byte> plain(static_cast<size_t>(type().row_bytes(8192)));
  type().encode(values.data(), plain.data(), 8192);
  EXPECT_LT(loss(values, through(type(), values)), loss(values, decoded(type(), plain, 8192)));
}

TEST_P(EverySearchedType, GivesTheSameBytesOnEveryInstructionSet) {
  const std::vector<float> values = normal_numbers(4096 + 256, 5);
  const std::vector<float> importance = normal_numbers(256, 6, 1.0f);
  std::vector<float> squares;
  for (const float x : importance) squares.push_back(x * x);
  const auto expected = encoded(type(), values, squares);
  for (const Isa isa : supported_isas()) {
    EXPECT_EQ(encoded(type(), values, squares, isa), expected) << isa_name(isa);
  }
}

TEST_P(EverySearchedType, GivesABlockTheSameBytesInAnyCompany) {
  const std::vector<float> values = normal_numbers(20 * block(), 7);
  const auto all = encoded(type(), values);
  const size_t size = static_cast<size_t>(type().block_bytes);
  for (size_t b = 0; b < 20; ++b) {
    const std::vector<float> one(values.begin() + static_cast<ptrdiff_t>(b * block()),
                                 values.begin() + static_cast<ptrdiff_t>((b + 1) * block()));
    EXPECT_EQ(std::memcmp(encoded(type(), one).data(), all.data() + b * size, size), 0) << b;
  }
}

TEST_P(EverySearchedType, LosesLeastWhereItMattersMost) {
  const std::vector<float> values = normal_numbers(64 * block(), 8);
  std::vector<float> importance(block(), 1.0f);
  for (size_t i = 0; i < block(); i += 4) importance[i] = 100;
  const auto plain = through(type(), values);
  const auto weighted = decoded(type(), encoded(type(), values, importance), values.size());
  double before = 0;
  double after = 0;
  for (size_t i = 0; i < values.size(); i += 4) {
    before += std::pow(double{values[i]} - plain[i], 2);
    after += std::pow(double{values[i]} - weighted[i], 2);
  }
  EXPECT_LT(after, 0.97 * before);
}

TEST_P(EverySearchedType, KeepsZerosAndSurvivesExtremes) {
  const std::vector<float> zeros(block(), 0.0f);
  EXPECT_EQ(through(type(), zeros), zeros);
  for (const float odd : {1e-45f, 1e-30f, 3e4f, 1e9f, 3.4e38f}) {
    std::vector<float> values(block(), odd);
    values[5] = -odd;
    for (const float value : through(type(), values)) EXPECT_TRUE(std::isfinite(value)) << odd;
    values.assign(block(), 0.01f);
    values[7] = odd;
    for (const float value : through(type(), values)) EXPECT_TRUE(std::isfinite(value)) << odd;
  }
}

TEST_P(EverySearchedType, IgnoresColumnsThatNeverMatter) {
  const std::vector<float> values = normal_numbers(block(), 9);
  const std::vector<float> importance(block(), 0.0f);
  for (const float value : decoded(type(), encoded(type(), values, importance), block())) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

// A file written with a type that the new one can say exactly loses nothing but the last bit of a
// scale in f16.
TEST(Encoder, FindsTheGridThatNumbersLieOn) {
  const struct {
    const char* from;
    const char* to;
  } kPairs[] = {{"Q4_0", "Q4_0"}, {"Q5_0", "Q5_0"}, {"Q4_1", "Q4_1"},
                {"Q4_1", "Q5_1"}, {"Q5_1", "Q5_1"}, {"Q8_0", "Q8_0"}};
  for (const auto& [from, to] : kPairs) {
    const QuantType& type = *find_quant_type(from);
    std::vector<std::byte> plain(static_cast<size_t>(type.row_bytes(2048)));
    type.encode(normal_numbers(2048, 10).data(), plain.data(), 2048);
    const std::vector<float> values = decoded(type, plain, 2048);
    const std::vector<float> again = through(*find_quant_type(to), values);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_NEAR(again[i], values[i], 0x1p-10 * 0.1) << from << " to " << to;
    }
  }
}

TEST(Encoder, FindsTheOnlyAnswer) {
  std::vector<float> ramp;
  for (int i = 0; i < 32; ++i) ramp.push_back(0.25f * static_cast<float>(i % 16) - 1.0f);
  const QuantType& type = *find_quant_type("Q4_1");
  IntegerBlock block;
  type.to_integers(encoded(type, ramp).data(), &block);
  EXPECT_EQ(block.d, 0.25f);
  EXPECT_EQ(block.dmin, 1.0f);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(block.code[i], i % 16);
}

TEST(Encoder, RoundsFloatTypesAsTheirEncoderDoes) {
  const std::vector<float> values = normal_numbers(64, 11);
  for (const char* name : {"F32", "F16", "BF16"}) {
    const QuantType& type = *find_quant_type(name);
    std::vector<std::byte> expected(static_cast<size_t>(type.row_bytes(64)));
    type.encode(values.data(), expected.data(), 64);
    EXPECT_EQ(encoded(type, values), expected);
  }
  EXPECT_FALSE(can_encode(*find_quant_type("IQ2_XXS")));
}

}  // namespace
}  // namespace overtake
