// Rounding f32 to the codes of the types without super-blocks (Q4_0, Q4_1, Q5_0, Q5_1), in the
// order of float operations that the `gguf` package has.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace overtake {

constexpr int kLegacyBlock = 32;

struct LegacyCodes {
  float d = 0;
  float min = 0;
  uint8_t code[kLegacyBlock];
};

// x clamped to [0, top] and truncated. NaN, which has no code, becomes 0.
inline uint8_t truncate_to_code(float x, int top) {
  return x > 0 ? static_cast<uint8_t>(std::min(x, static_cast<float>(top))) : uint8_t{0};
}

// The value of largest magnitude gets code 0, so that x = d * (code - zero).
inline LegacyCodes codes_by_signed_max(const float* x, int zero) {
  float max = x[0];
  for (int i = 1; i < kLegacyBlock; ++i) {
    if (std::abs(x[i]) > std::abs(max)) max = x[i];
  }
  LegacyCodes out;
  out.d = max / static_cast<float>(-zero);
  const float inverse = out.d == 0 ? 0.0f : 1.0f / out.d;
  const float offset = static_cast<float>(zero) + 0.5f;
  for (int i = 0; i < kLegacyBlock; ++i) {
    out.code[i] = truncate_to_code(x[i] * inverse + offset, 2 * zero - 1);
  }
  return out;
}

// x = d * code + min, with codes 0 to top.
inline LegacyCodes codes_by_range(const float* x, int top) {
  const auto [min, max] = std::minmax_element(x, x + kLegacyBlock);
  LegacyCodes out;
  out.d = (*max - *min) / static_cast<float>(top);
  out.min = *min;
  const float inverse = out.d == 0 ? 0.0f : 1.0f / out.d;
  for (int i = 0; i < kLegacyBlock; ++i) {
    out.code[i] = truncate_to_code((x[i] - *min) * inverse + 0.5f, top);
  }
  return out;
}

// Codes as nibbles: byte j holds the low four bits of elements j and j + 16.
inline void pack_nibbles(const uint8_t* code, uint8_t* out) {
  for (int j = 0; j < kLegacyBlock / 2; ++j) {
    out[j] = static_cast<uint8_t>((code[j] & 0x0f) | (code[j + kLegacyBlock / 2] << 4));
  }
}

inline void unpack_nibbles(const uint8_t* in, uint8_t* code) {
  for (int j = 0; j < kLegacyBlock / 2; ++j) {
    code[j] = in[j] & 0x0f;
    code[j + kLegacyBlock / 2] = in[j] >> 4;
  }
}

// Bit 4 of each code, bit i of the word for element i.
inline uint32_t pack_fifth_bits(const uint8_t* code) {
  uint32_t bits = 0;
  for (int i = 0; i < kLegacyBlock; ++i) bits |= static_cast<uint32_t>(code[i] >> 4 & 1) << i;
  return bits;
}

inline void add_fifth_bits(uint32_t bits, uint8_t* code) {
  for (int i = 0; i < kLegacyBlock; ++i) code[i] |= static_cast<uint8_t>((bits >> i & 1) << 4);
}

}  // namespace overtake
