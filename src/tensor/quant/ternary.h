// Rounding f32 to -1, 0 and 1 times the largest magnitude of 256 (TQ1_0, TQ2_0), as the `gguf`
// package does.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace overtake {

constexpr int kTernaryBlock = 256;

struct TernaryCodes {
  float d = 0;
  uint8_t code[kTernaryBlock];  // 0, 1, 2 for -1, 0, 1
};

inline TernaryCodes ternary_codes(const float* x) {
  TernaryCodes out;
  for (int i = 0; i < kTernaryBlock; ++i) out.d = std::max(out.d, std::abs(x[i]));
  const float inverse = out.d == 0 ? 0.0f : 1.0f / out.d;
  for (int i = 0; i < kTernaryBlock; ++i) {
    // Halves go away from zero; what is no number becomes 0.
    const float product = x[i] * inverse;
    out.code[i] = static_cast<uint8_t>(1 + (product >= 0.5f) - (product <= -0.5f));
  }
  return out;
}

}  // namespace overtake
