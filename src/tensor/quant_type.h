// QuantType: how numbers of one tensor type stand in a file, and how the integer kernels see them.
// One file per type in tensor/quant/; nobody outside switches on a type's name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/registry.h"

namespace overtake {

// What the codes of a type stand for where they are not numbers themselves: level[code].
using Levels = std::array<uint8_t, 16>;

// What the scale and the min of a group may be.
struct ScaleRange {
  int low = 1;
  int high = 1;
  int min_high = 1;  // the least min is 0, or 1 where that is all
};

// A quantized type in the terms that all integer kernels share. Weight i of a row, in group
// g = i / group:
//   w[i] = unit * (d * scale[g] * (code[i] - zero) - dmin * min[g])
// with level[code[i]] in the place of code[i] where there are levels. `d` and `dmin` are one pair
// for every `super` elements; scale and min are small integers.
struct IntegerForm {
  int bits;            // of a code: 2, 3, 4, 5, 6 or 8
  int group;           // elements that share scale and min: 16 or 32, or = super
  int super;           // elements that share d and dmin: 32 or 256. If = group, scale and min are 1
  int zero;            // subtracted from the codes, or levels
  bool has_min;        // whether the term in dmin exists
  int level_bits = 0;  // of a level: 4, 5, 7 or 8; 0: the codes are the numbers
  Levels levels = {};
  float unit = 1;       // a power of two
  bool bf16_d = false;  // d is a bf16 of wider range than f16 has; then has_min is false
  ScaleRange scales = {};
  int first_code = 0;  // the least that an encoder writes

  constexpr int dot_bits() const { return level_bits ? level_bits : bits; }
};

// What the f32 kernels must know of a type without integer form.
enum class FloatForm { kNone, kF32, kF16, kBf16 };

constexpr int kMaxBlock = 256;
constexpr int kMaxGroups = 16;

// One file block in the terms of IntegerForm. Where super == group, scale and min are 1.
struct IntegerBlock {
  uint8_t code[kMaxBlock];
  int8_t scale[kMaxGroups];
  uint8_t min[kMaxGroups];
  float d;     // exactly the f16 (or bf16, see IntegerForm) that the file means
  float dmin;  // may be negative: Q4_1's additive minimum is -dmin
};

struct QuantType {
  std::string_view name;  // as GGUF spells it: "Q4_K"
  uint32_t gguf_id;       // ggml_type
  int block;              // elements in a block; a row holds whole blocks
  int block_bytes;

  // `n` elements (a multiple of block) to f32, exactly as the `gguf` Python package does.
  void (*decode)(const std::byte* blocks, float* out, int64_t n);
  // f32 to blocks; null where this program only reads the type.
  void (*encode)(const float* in, std::byte* blocks, int64_t n);
  // Null for float types (F32, F16, BF16).
  const IntegerForm* integer;
  void (*to_integers)(const std::byte* block, IntegerBlock* out);
  // The way back, for d and dmin that f16 can say; null where tensor/encode/ has no search for it.
  void (*from_integers)(const IntegerBlock& in, std::byte* block) = nullptr;
  FloatForm floating = FloatForm::kNone;

  int64_t row_bytes(int64_t n) const { return n / block * block_bytes; }
};

std::span<const QuantType* const> all_quant_types();
const QuantType* find_quant_type(uint32_t gguf_id);       // null if unknown
const QuantType* find_quant_type(std::string_view name);  // null if unknown; case matters

}  // namespace overtake
