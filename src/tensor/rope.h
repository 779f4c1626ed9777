// Rotary position embedding (Su et al. 2021): which angles a head's dimensions turn by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace overtake {

struct Rope {
  // Which dimensions turn together: (j, j + n/2), as transformers has it, or (2j, 2j + 1), as the
  // GGUF files of the Llama family are permuted for.
  enum class Pairing { kHalves, kAdjacent };

  // "Dynamic NTK" scaling: past `original_context` the base grows with the length of the sequence.
  struct Dynamic {
    double theta;
    double factor;
    int64_t original_context;
  };

  Pairing pairing = Pairing::kHalves;
  int n_dims = 0;               // leading dimensions of a head that turn; even
  std::vector<float> inv_freq;  // [n_dims / 2]: angle = position * inv_freq, in f32
  float magnitude = 1.0f;       // multiplies cos and sin (YaRN's attention factor)
  std::optional<Dynamic> dynamic;

  // To `out` [n_dims / 2]: inv_freq for a sequence of `span` positions, which differs from
  // `inv_freq` for dynamic scaling only.
  void frequencies(int64_t span, std::span<float> out) const;
};

}  // namespace overtake
