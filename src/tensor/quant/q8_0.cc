// Q8_0: signed 8-bit codes, one f16 scale for 32.
#include <cmath>

#include "tensor/quant/block.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;  // f16
  int8_t qs[32];
};
static_assert(sizeof(Block) == 34);

constexpr IntegerForm kForm = {.bits = 8, .group = 32, .super = 32, .zero = 128, .has_min = false};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 32; ++i) out->code[i] = static_cast<uint8_t>(block.qs[i] + 128);
  set_single_group(out, f16_to_f32(block.d), 0);
}

// Rounds halves away from zero. NaN, which has no code, becomes 0.
int8_t round_to_code(float x) {
  return x == x ? static_cast<int8_t>(std::round(std::clamp(x, -127.0f, 127.0f))) : int8_t{0};
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += 32, blocks += sizeof(Block)) {
    float max = 0;
    for (int j = 0; j < 32; ++j) max = std::max(max, std::abs(in[i + j]));
    const float d = max / 127;
    const float inverse = d == 0 ? 0.0f : 1.0f / d;
    Block block;
    block.d = f32_to_f16(d);
    for (int j = 0; j < 32; ++j) block.qs[j] = round_to_code(in[i + j] * inverse);
    store(block, blocks);
  }
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
};

}  // namespace overtake
