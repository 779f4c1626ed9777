// The angles that rotary embedding turns by, in float64, for each way to stretch a context.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>

#include "layers.h"

namespace overtake::reference {

struct Scaling {
  std::string type = "default";
  double theta = 10000, factor = 1;
  double context = 0;           // that the model knew before it was stretched
  double low = 1, high = 4;     // llama3
  double fast = 32, slow = 1;   // yarn
  double attention_factor = 0;  // yarn; 0: by the factor
  bool truncate = true;         // yarn
};

inline double magnitude(const Scaling& s) {
  if (s.type != "yarn") return 1;
  return s.attention_factor != 0 ? s.attention_factor : 0.1 * std::log(s.factor) + 1;
}

// Peng et al. 2023: dimensions that turn often keep their frequency, those that do not finish a
// turn are stretched, with a ramp between.
inline Vector yarn(Vector frequencies, double n, const Scaling& s) {
  const auto dimension_of = [&](double turns) {
    return n * std::log(s.context / (turns * 2 * std::numbers::pi)) / (2 * std::log(s.theta));
  };
  double first = dimension_of(s.fast), last = dimension_of(s.slow);
  if (s.truncate) first = std::floor(first), last = std::ceil(last);
  first = std::max(first, 0.0), last = std::min(last, n - 1);
  if (first == last) last += 0.001;
  for (size_t j = 0; j < frequencies.size(); ++j) {
    const double ramp = std::clamp((static_cast<double>(j) - first) / (last - first), 0.0, 1.0);
    frequencies[j] *= (1 - ramp) + ramp / s.factor;
  }
  return frequencies;
}

// Llama 3.1: long waves are stretched, short ones kept, those between interpolated.
inline Vector llama3(Vector frequencies, const Scaling& s) {
  for (double& frequency : frequencies) {
    const double turns = s.context * frequency / (2 * std::numbers::pi);
    const double smooth = std::clamp((turns - s.low) / (s.high - s.low), 0.0, 1.0);
    frequency *= (1 - smooth) / s.factor + smooth;
  }
  return frequencies;
}

// For a head of n dimensions and a text of `length` tokens.
inline Vector frequencies(size_t n_dims, double length, const Scaling& s) {
  const double n = static_cast<double>(n_dims);
  double theta = s.theta;
  if (s.type == "dynamic" && length > s.context) {
    theta *= std::pow(s.factor * length / s.context - (s.factor - 1), n / (n - 2));
  }
  Vector out(n_dims / 2);
  for (size_t j = 0; j < out.size(); ++j) out[j] = std::pow(theta, -2.0 * j / n);
  if (s.type == "linear") return map(out, [&](double f) { return f / s.factor; });
  if (s.type == "yarn") return yarn(out, n, s);
  return s.type == "llama3" ? llama3(out, s) : out;
}

}  // namespace overtake::reference
