// Points of the codebooks with signs, as codes of the types IQ2 and IQ3; see quant_levels.h.
#pragma once

#include <bit>
#include <cstdint>

namespace overtake {

// Seven signs and an eighth that makes the number of minus signs even.
inline uint8_t even_signs(uint32_t seven) {
  const uint32_t low = seven & 0x7f;
  return static_cast<uint8_t>(low | static_cast<uint32_t>(std::popcount(low) & 1) << 7);
}

// Levels ascend: magnitude m of kMagnitudes is level kMagnitudes + m, its negative the mirror
// image.
template <int kMagnitudes, int kCoordinates, int kBits>
void put_point(uint32_t point, uint32_t signs, uint8_t* code) {
  for (int i = 0; i < kCoordinates; ++i) {
    const uint32_t magnitude = point >> (kBits * i) & ((1u << kBits) - 1);
    code[i] = static_cast<uint8_t>(signs >> i & 1 ? kMagnitudes - 1 - magnitude
                                                  : kMagnitudes + magnitude);
  }
}
inline void put_iq2_point(uint32_t point, uint32_t signs, uint8_t* code) {
  put_point<3, 8, 2>(point, signs, code);
}
inline void put_iq3_point(uint32_t point, uint32_t signs, uint8_t* code) {
  put_point<8, 4, 3>(point, signs, code);
}

// Scale s of these types stands for 2 s + 1.
inline int8_t odd_scale(uint32_t s) { return static_cast<int8_t>(2 * s + 1); }

}  // namespace overtake
