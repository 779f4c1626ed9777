// Each instruction set's row kernels against double precision, over sizes that leave odd tails.
#include "tensor/cpu/kernels.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <span>

namespace overtake {
namespace {

class RowKernelsTest : public testing::TestWithParam<Isa> {
 protected:
  const RowKernels& row() const { return kernels_for(GetParam()).row; }
};

std::vector<float> normal_floats(int64_t n, uint64_t seed, float mean = 0, float deviation = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> out(static_cast<size_t>(n));
  for (float& value : out) value = normal(random);
  return out;
}

std::vector<float> range_floats(float low, float high, int n) {
  std::vector<float> out;
  for (int i = 0; i < n; ++i) {
    out.push_back(low + (high - low) * static_cast<float>(i) / static_cast<float>(n - 1));
  }
  return out;
}

// |got - want| in units of the last place of a float of want's size.
double ulps(float got, double want) {
  const float near = static_cast<float>(want);
  const float next = std::nextafter(std::fabs(near), std::numeric_limits<float>::infinity());
  return std::fabs(got - want) / (static_cast<double>(next) - std::fabs(near));
}

constexpr int64_t kSizes[] = {1, 2, 7, 8, 15, 16, 17, 31, 63, 64, 65, 576, 1000, 4096};

TEST_P(RowKernelsTest, ExpIsWithinTwoUlps) {
  const std::vector<float> x = range_floats(-87.0f, 88.7f, 200'001);
  std::vector<float> y(x.size());
  row().exp(x.data(), y.data(), static_cast<int64_t>(x.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], std::exp(double{x[i]})));
  EXPECT_LE(worst, 2.0);
}

TEST_P(RowKernelsTest, ExpIsRightAtTheEdges) {
  const float inf = std::numeric_limits<float>::infinity();
  const float x[] = {0.0f, -0.0f, -inf, inf, std::nanf(""), -200.0f, 200.0f, -87.1f, 1e-30f};
  float y[9];
  row().exp(x, y, 9);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 1.0f);
  EXPECT_EQ(y[2], 0.0f);
  EXPECT_EQ(y[3], inf);
  EXPECT_TRUE(std::isnan(y[4]));
  EXPECT_EQ(y[5], 0.0f);
  EXPECT_EQ(y[6], inf);
  EXPECT_EQ(y[7], 0.0f);
  EXPECT_EQ(y[8], 1.0f);
}

TEST_P(RowKernelsTest, ActivationsAreWithinRounding) {
  const std::vector<float> x = range_floats(-12.0f, 12.0f, 48'001);
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<float> silu(x.size()), gelu(x.size()), tanh(x.size());
  row().gate(Activation::kSilu, x.data(), nullptr, silu.data(), n);
  row().gate(Activation::kGelu, x.data(), nullptr, gelu.data(), n);
  row().gate(Activation::kGeluTanh, x.data(), nullptr, tanh.data(), n);
  for (size_t i = 0; i < x.size(); ++i) {
    const double v = x[i];
    // A few roundings of values of |x|'s size at most.
    const double bound = 3e-7 * std::max(1.0, std::fabs(v));
    ASSERT_NEAR(silu[i], v / (1 + std::exp(-v)), bound) << v;
    ASSERT_NEAR(gelu[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), bound) << v;
    const double u = std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v);
    ASSERT_NEAR(tanh[i], 0.5 * v * (1 + std::tanh(u)), bound) << v;
  }
}

TEST_P(RowKernelsTest, GateMultipliesAndTouchesNothingBehindTheRow) {
  for (const int64_t n : kSizes) {
    const std::vector<float> x = normal_floats(n, 1), up = normal_floats(n, 2);
    std::vector<float> out(static_cast<size_t>(n) + 1, 77.0f);
    row().gate(Activation::kSilu, x.data(), up.data(), out.data(), n);
    for (size_t i = 0; i < x.size(); ++i) {
      const double v = x[i];
      ASSERT_NEAR(out[i], v / (1 + std::exp(-v)) * up[i], 1e-6) << n;
    }
    EXPECT_EQ(out.back(), 77.0f);
  }
}

TEST_P(RowKernelsTest, RmsNormMatchesDouble) {
  for (const int64_t n : kSizes) {
    const std::vector<float> x = normal_floats(n, 3, 0.1f, 5), weight = normal_floats(n, 4);
    std::vector<float> out(static_cast<size_t>(n) + 1, 77.0f);
    row().rms_norm(x.data(), {weight.data(), nullptr, 1e-5f}, out.data(), n);
    double squares = 0;
    for (const float v : x) squares += double{v} * v;
    const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + double{1e-5f});
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = x[i] * factor * weight[i];
      ASSERT_NEAR(out[i], want, 1e-6 * std::fabs(want) + 1e-30) << n << " " << i;
    }
    EXPECT_EQ(out.back(), 77.0f);
  }
}

TEST_P(RowKernelsTest, LayerNormMatchesDoubleDespiteALargeMean) {
  for (const int64_t n : kSizes) {
    for (const bool has_bias : {false, true}) {
      const std::vector<float> x = normal_floats(n, 5, 30, 2), weight = normal_floats(n, 6);
      const std::vector<float> bias = normal_floats(n, 7);
      std::vector<float> out(static_cast<size_t>(n) + 1, 77.0f);
      row().layer_norm(x.data(), {weight.data(), has_bias ? bias.data() : nullptr, 1e-5f},
                       out.data(), n);
      double mean = 0, squares = 0;
      for (const float v : x) mean += v / static_cast<double>(n);
      for (const float v : x) squares += (v - mean) * (v - mean);
      const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + double{1e-5f});
      // The mean is rounded to an ulp of 30 (2e-6), which the factor magnifies.
      const double bound = 4e-6 * factor * 4 + 1e-6;
      for (size_t i = 0; i < x.size(); ++i) {
        const double want = (x[i] - mean) * factor * weight[i] + (has_bias ? bias[i] : 0);
        ASSERT_NEAR(out[i], want, bound) << n << " " << i;
      }
      EXPECT_EQ(out.back(), 77.0f);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, RowKernelsTest, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

TEST(ChooseIsa, TakesTheStrongestUnlessTold) {
  ASSERT_EQ(unsetenv("OVERTAKE_ISA"), 0);
  EXPECT_EQ(*choose_isa(), supported_isas().back());
  ASSERT_EQ(setenv("OVERTAKE_ISA", "scalar", 1), 0);
  EXPECT_EQ(*choose_isa(), Isa::kScalar);
  ASSERT_EQ(setenv("OVERTAKE_ISA", "mmx", 1), 0);
  const Result<Isa> unknown = choose_isa();
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("scalar"));
  ASSERT_EQ(unsetenv("OVERTAKE_ISA"), 0);
}

}  // namespace
}  // namespace overtake
