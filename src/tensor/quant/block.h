// What the files of this folder share: reading blocks from unaligned bytes, and the one decoder of
// all integer types, which follows IntegerForm's formula.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "tensor/quant_type.h"

namespace overtake {

static_assert(std::endian::native == std::endian::little, "model files are little endian");

// Tensor data has no alignment that a file could not break, so values are copied out.
template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <typename T>
void store(const T& value, std::byte* bytes) {
  std::memcpy(bytes, &value, sizeof value);
}

// Types without super-blocks have one group a block, whose scale and min are 1.
inline void set_single_group(IntegerBlock* out, float d, float dmin) {
  out->scale[0] = 1;
  out->min[0] = 1;
  out->d = d;
  out->dmin = dmin;
}

// QuantType::decode of a type with an integer form. The products d * scale and dmin * min are exact
// (11 by at most 8 bits), so that rounding happens where the `gguf` package has it: once in the
// product with the code, once in the difference. Types with a unit other than 1 have no rounding at
// all, in any order.
template <const IntegerForm& kForm, int kBlock, int kBlockBytes,
          void (*to_integers)(const std::byte*, IntegerBlock*)>
void decode_integer_blocks(const std::byte* blocks, float* out, int64_t n) {
  IntegerBlock block;
  for (int64_t i = 0; i < n; i += kBlock, blocks += kBlockBytes) {
    to_integers(blocks, &block);
    for (int g = 0; g < kBlock / kForm.group; ++g) {
      const float scale = block.d * static_cast<float>(block.scale[g]) * kForm.unit;
      const float min =
          kForm.has_min ? block.dmin * static_cast<float>(block.min[g]) * kForm.unit : 0.0f;
      for (int j = g * kForm.group; j < (g + 1) * kForm.group; ++j) {
        const int code = kForm.level_bits ? kForm.levels[block.code[j]] : block.code[j];
        const float product = scale * static_cast<float>(code - kForm.zero);
        out[i + j] = kForm.has_min ? product - min : product;
      }
    }
  }
}

}  // namespace overtake
