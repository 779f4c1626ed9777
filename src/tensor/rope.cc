#include "tensor/rope.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace overtake {

// Rounded to f32 where transformers' float32 tensors round: what this models was checked against.
void Rope::frequencies(int64_t span, std::span<float> out) const {
  OVERTAKE_CHECK(out.size() == inv_freq.size());
  if (!dynamic || span <= dynamic->original_context) {
    std::copy(inv_freq.begin(), inv_freq.end(), out.begin());
    return;
  }
  const float factor = static_cast<float>(dynamic->factor);
  const float length =
      factor * static_cast<float>(span) / static_cast<float>(dynamic->original_context);
  const float growth = length - static_cast<float>(dynamic->factor - 1.0);
  const float power = static_cast<float>(n_dims / (n_dims - 2.0));
  const float base = static_cast<float>(dynamic->theta) * std::pow(growth, power);
  for (size_t j = 0; j < out.size(); ++j) {
    const float exponent = 2.0f * static_cast<float>(j) / static_cast<float>(n_dims);
    out[j] = 1.0f / std::pow(base, exponent);
  }
}

}  // namespace overtake
