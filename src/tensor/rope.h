// Rotary position embedding (Su et al. 2021): which angles a head's dimensions turn by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace overtake {

// Dimensions j and j + n/2 turn together, as transformers has it. (In the GGUF files of the Llama
// family it is 2j and 2j + 1: the loader puts their rows in this order.)
struct Rope {
  // "Dynamic NTK" scaling: past `original_context` the base grows with the length of the sequence.
  struct Dynamic {
    double theta;
    double factor;
    int64_t original_context;
  };

  int n_dims = 0;               // leading dimensions of a head that turn; even
  std::vector<float> inv_freq;  // [n_dims / 2]: angle = position * inv_freq, in f32
  float magnitude = 1.0f;       // multiplies cos and sin (YaRN's attention factor)
  std::optional<Dynamic> dynamic;

  // To `out` [n_dims / 2]: inv_freq for a sequence of `span` positions, which differs from
  // `inv_freq` for dynamic scaling only.
  void frequencies(int64_t span, std::span<float> out) const;
};

}  // namespace overtake
