#include "tensor/rope.h"

#include <cmath>

namespace overtake {
namespace {

Rope plain_rope(int n_dims) {
  Rope rope;
  rope.n_dims = n_dims;
  for (int j = 0; j < n_dims / 2; ++j) {
    rope.inv_freq.push_back(
        std::pow(10000.0f, -2.0f * static_cast<float>(j) / static_cast<float>(n_dims)));
  }
  return rope;
}

TEST(Rope, PlainFrequenciesIgnoreTheSpan) {
  const Rope rope = plain_rope(8);
  std::vector<float> out(4);
  rope.frequencies(1'000'000, out);
  EXPECT_EQ(out, rope.inv_freq);
}

TEST(Rope, DynamicScalingStartsPastTheOriginalContext) {
  Rope rope = plain_rope(8);
  rope.dynamic = {.theta = 10000, .factor = 4, .original_context = 64};
  std::vector<float> out(4);
  rope.frequencies(64, out);
  EXPECT_EQ(out, rope.inv_freq);
  rope.frequencies(96, out);
  // theta (4 * 96 / 64 - 3)^(8 / 6), as "dynamic NTK" defines it.
  const double base = 10000 * std::pow(3.0, 8.0 / 6.0);
  for (int j = 0; j < 4; ++j) {
    const double want = std::pow(base, -2.0 * j / 8.0);
    EXPECT_NEAR(out[j], want, want * 1e-6) << j;
  }
}

}  // namespace
}  // namespace overtake
