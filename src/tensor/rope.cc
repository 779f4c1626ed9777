#include "tensor/rope.h"

#include <cmath>

namespace overtake {

std::vector<float> Rope::frequencies(int64_t span) const {
  if (!dynamic || span <= dynamic->original_context) return inv_freq;
  const double length = static_cast<double>(span) / static_cast<double>(dynamic->original_context);
  const double growth = dynamic->factor * length - (dynamic->factor - 1.0);
  const double base = dynamic->theta * std::pow(growth, n_dims / (n_dims - 2.0));
  std::vector<float> out(inv_freq.size());
  for (size_t j = 0; j < out.size(); ++j) {
    out[j] = static_cast<float>(1.0 / std::pow(base, 2.0 * static_cast<double>(j) / n_dims));
  }
  return out;
}

}  // namespace overtake
