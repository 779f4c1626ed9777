// MXFP4: OCP Microscaling Formats v1.0: 4-bit floats (E2M1), 32 of which share a power of two.
#include <bit>
#include <cmath>

#include "tensor/quant/block.h"
#include "tensor/quant/legacy.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint8_t e;       // 2^(e - 127); 255 is a number too
  uint8_t qs[16];  // elements 0-15 in the low nibbles, 16-31 in the high ones
};
static_assert(sizeof(Block) == 17);

// The levels are doubled, so d is half of the shared power.
constexpr IntegerForm kForm = {.bits = 4,
                               .group = 32,
                               .super = 32,
                               .zero = kE2m1Zero,
                               .has_min = false,
                               .level_bits = 5,
                               .levels = kE2m1Levels,
                               .bf16_d = true};

// 2^(e - 128), which is subnormal for 0 and 1.
float half_power(int e) {
  const uint32_t bits = e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23;
  return std::bit_cast<float>(bits);
}

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  unpack_nibbles(block.qs, out->code);
  set_single_group(out, half_power(block.e), 0);
}

// The first of the nearest numbers.
uint8_t nearest_code(float x, float d) {
  uint8_t best = 0;
  float least = std::abs(x);
  for (uint8_t code = 1; code < 16; ++code) {
    const float distance = std::abs(d * static_cast<float>(kE2m1Levels[code] - kE2m1Zero) - x);
    if (distance < least) {
      least = distance;
      best = code;
    }
  }
  return best;
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += kForm.super, in += kForm.super, blocks += sizeof(Block)) {
    float largest = 0;
    for (int j = 0; j < kForm.super; ++j) largest = std::max(largest, std::abs(in[j]));
    // The largest number is 6 = 1.5 * 2^2. Neither zero nor infinity has a logarithm to use.
    const float exponent = std::floor(std::log2(largest)) - 2 + 127;
    Block block = {static_cast<uint8_t>(std::clamp(exponent, 0.0f, 255.0f)), {}};
    uint8_t codes[32];
    for (int j = 0; j < kForm.super; ++j) codes[j] = nearest_code(in[j], half_power(block.e));
    pack_nibbles(codes, block.qs);
    store(block, blocks);
  }
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_mxfp4) = {
    .name = "MXFP4",
    .gguf_id = 39,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = encode,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
