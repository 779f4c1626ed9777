// TQ2_0: ternary numbers in 2 bits each; 256 share a scale. Code 3, which no encoder writes, is 2.
#include "tensor/quant/block.h"
#include "tensor/quant/ternary.h"

namespace overtake {
namespace {

struct Block {
  uint8_t qs[64];  // each 32 bytes: 32 elements in their lowest two bits, and so on upwards
  uint16_t d;      // f16
};
static_assert(sizeof(Block) == 66);

constexpr IntegerForm kForm = {.bits = 2, .group = 256, .super = 256, .zero = 1, .has_min = false};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int k = 0; k < 8; ++k) {
    for (int j = 0; j < 32; ++j) {
      out->code[32 * k + j] = block.qs[32 * (k / 4) + j] >> (2 * (k % 4)) & 3;
    }
  }
  set_single_group(out, f16_to_f32(block.d), 0);
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += kTernaryBlock, blocks += sizeof(Block)) {
    const TernaryCodes codes = ternary_codes(in + i);
    Block block = {{}, f32_to_f16(codes.d)};
    for (int k = 0; k < 8; ++k) {
      for (int j = 0; j < 32; ++j) {
        block.qs[32 * (k / 4) + j] |= static_cast<uint8_t>(codes.code[32 * k + j] << (2 * (k % 4)));
      }
    }
    store(block, blocks);
  }
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_tq2_0) = {
    .name = "TQ2_0",
    .gguf_id = 35,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = encode,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
