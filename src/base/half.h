// The 16-bit float formats of model files, in software: the same to the last bit on every machine.
#pragma once

#include <bit>
#include <cstdint>

namespace overtake {

// IEEE 754 binary16. Every value is exact in f32; a NaN keeps its payload.
inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  // Zero and subnormals are mantissa * 2^-24. For the others the exponent's bias differs by 112,
  // for infinity and NaN by twice that. No branches, so that loops over rows become vector code.
  const uint32_t tiny =
      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  const uint32_t rebiased = (magnitude << 13) + (magnitude < 0x7c00u ? 112u << 23 : 224u << 23);
  return std::bit_cast<float>(sign | (magnitude < 0x400u ? tiny : rebiased));
}

// Rounds to nearest, ties to even; too large becomes infinity, a NaN becomes quiet.
inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  } else if (magnitude >= 0x47800000u) {  // >= 2^16
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // < 2^-14: subnormal; one ulp of 0.5f is 2^-24
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
           std::bit_cast<uint32_t>(0.5f);
  } else {  // a carry out of the mantissa raises the exponent, to infinity at the top
    half = ((magnitude + 0xfffu + ((magnitude >> 13) & 1u)) >> 13) - (112u << 10);
  }
  return static_cast<uint16_t>(sign | half);
}

// bfloat16: the upper half of an f32.
inline float bf16_to_f32(uint16_t half) {
  return std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
}

// Rounds to nearest, ties to even; a NaN becomes quiet.
inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace overtake
