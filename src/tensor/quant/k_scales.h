// The eight 6-bit scales and eight 6-bit mins that Q4_K and Q5_K pack into 12 bytes.
#pragma once

#include <cstdint>

namespace overtake {

// Bytes 0-3 hold scales 0-3 in their low six bits, bytes 4-7 mins 0-3; bytes 8-11 the low four bits
// of scales 4-7 (low nibble) and mins 4-7 (high nibble), whose upper two bits top bytes 0-7.
inline void unpack_k_scales(const uint8_t packed[12], int8_t scale[8], uint8_t min[8]) {
  for (int j = 0; j < 4; ++j) {
    scale[j] = static_cast<int8_t>(packed[j] & 0x3f);
    min[j] = packed[j + 4] & 0x3f;
    scale[j + 4] = static_cast<int8_t>((packed[j + 8] & 0x0f) | ((packed[j] >> 6) << 4));
    min[j + 4] = static_cast<uint8_t>((packed[j + 8] >> 4) | ((packed[j + 4] >> 6) << 4));
  }
}

inline void pack_k_scales(const int8_t scale[8], const uint8_t min[8], uint8_t packed[12]) {
  for (int j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>(scale[j] | ((scale[j + 4] >> 4) << 6));
    packed[j + 4] = static_cast<uint8_t>(min[j] | ((min[j + 4] >> 4) << 6));
    packed[j + 8] = static_cast<uint8_t>((scale[j + 4] & 0x0f) | ((min[j + 4] & 0x0f) << 4));
  }
}

}  // namespace overtake
