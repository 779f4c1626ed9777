// What scale a block gets: the parts of the search that look at all groups of a block at once.
#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "tensor/encode/search.h"

namespace overtake {
namespace {

constexpr float kLargestF16 = 65504.0f;
constexpr int kUnitSteps = 12;

// Of two, the double precision matters: the normal equations of scales and mins are nearly
// singular where all codes of a block are alike.
struct Normal {
  double a11 = 0, a12 = 0, a22 = 0, b1 = 0, b2 = 0;
};

}  // namespace

float round_to_f16(float value) {
  return f16_to_f32(f32_to_f16(std::clamp(value, -kLargestF16, kLargestF16)));
}

float choose_unit(std::span<const float> values, std::span<const float> curvature, float low,
                  float high) {
  const float largest =
      *std::ranges::max_element(values, {}, [](float value) { return std::abs(value); });
  if (!(std::abs(largest) > 0)) return 0;
  float best_unit = 0;
  float best_error = 0;
  const auto consider = [&](float unit) {
    if (unit == 0) return;
    float error = 0;
    for (size_t g = 0; g < values.size(); ++g) {
      const float multiple = std::clamp(std::nearbyint(values[g] / unit), low, high);
      const float off = values[g] - multiple * unit;
      error += curvature[g] * off * off;
    }
    if (best_unit != 0 && !(error < best_error)) return;
    best_unit = unit;
    best_error = error;
  };
  for (int step = 0; step < kUnitSteps; ++step) {
    const float share = 1.0f - 0.02f * static_cast<float>(step);
    consider(round_to_f16(largest / (high * share)));
    if (low < 0) consider(round_to_f16(largest / (low * share)));
  }
  return best_unit;
}

Units solve_units(const GroupSums& sums, std::span<const float> scale, std::span<const float> min,
                  Units before) {
  Normal n;
  for (size_t g = 0; g < scale.size(); ++g) {
    const double s = scale[g];
    const double m = min[g];
    n.a11 += s * s * sums.wqq[g];
    n.a12 -= s * m * sums.wq[g];
    n.a22 += m * m * sums.w[g];
    n.b1 += s * sums.wxq[g];
    n.b2 -= m * sums.wx[g];
  }
  const double det = n.a11 * n.a22 - n.a12 * n.a12;
  Units out = before;
  if (det > 1e-9 * n.a11 * n.a22) {
    out.d = static_cast<float>((n.b1 * n.a22 - n.b2 * n.a12) / det);
    out.dmin = static_cast<float>((n.a11 * n.b2 - n.a12 * n.b1) / det);
  } else if (n.a11 > 0 && n.a22 == 0) {
    out.d = static_cast<float>(n.b1 / n.a11);
  }
  return {round_to_f16(out.d), round_to_f16(out.dmin)};
}

}  // namespace overtake
