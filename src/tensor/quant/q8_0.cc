// Q8_0: signed 8-bit codes, one f16 scale for 32.

#include "tensor/quant/block.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;  // f16
  int8_t qs[32];
};
static_assert(sizeof(Block) == 34);

constexpr IntegerForm kForm = {
    .bits = 8, .group = 32, .super = 32, .zero = 128, .has_min = false, .first_code = 1};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 32; ++i) out->code[i] = static_cast<uint8_t>(block.qs[i] + 128);
  set_single_group(out, f16_to_f32(block.d), 0);
}

// The bits of |x|, which have the order of the magnitudes; 0 for NaN, which has no code. Integers,
// because compilers make vector code of their minima and maxima.
int32_t magnitude(float x) {
  const int32_t bits = std::bit_cast<int32_t>(x) & 0x7fffffff;
  return bits > 0x7f800000 ? 0 : bits;
}

float largest(const float* in) {
  int32_t max = 0;
  for (int j = 0; j < 32; ++j) max = std::max(max, magnitude(in[j]));
  return std::bit_cast<float>(max);
}

// Rounds halves away from zero, within 127. The number below a half, added and cut off, does that
// for every float; a half itself would raise 0.49999997.
int8_t round_to_code(float x) {
  constexpr float kBelowHalf = 0x1.fffffep-2f;
  const int32_t bounded = std::min(magnitude(x), std::bit_cast<int32_t>(127.0f));
  const int32_t code = static_cast<int32_t>(std::bit_cast<float>(bounded) + kBelowHalf);
  const int32_t sign = std::bit_cast<int32_t>(x) >> 31;  // 0 or -1
  return static_cast<int8_t>((code ^ sign) - sign);
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += 32, blocks += sizeof(Block)) {
    const float d = largest(in + i) / 127;
    const float inverse = d == 0 ? 0.0f : 1.0f / d;
    Block block;
    block.d = f32_to_f16(d);
    for (int j = 0; j < 32; ++j) block.qs[j] = round_to_code(in[i + j] * inverse);
    store(block, blocks);
  }
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block;
  block.d = f32_to_f16(in.d);
  for (int i = 0; i < 32; ++i) block.qs[i] = static_cast<int8_t>(in.code[i] - 128);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q8_0) = {
    .name = "Q8_0",
    .gguf_id = 8,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = encode,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
