// Q2_K: 2-bit codes; of 256, each 16 have a 4-bit scale and a 4-bit min.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

struct Block {
  uint8_t scales[16];  // scale in the low nibble, min in the high one
  uint8_t qs[64];      // each 32 bytes: 32 elements in their lowest two bits, and so on upwards
  uint16_t d;          // f16
  uint16_t dmin;       // f16
};
static_assert(sizeof(Block) == 84);

constexpr IntegerForm kForm = {
    .bits = 2, .group = 16, .super = 256, .zero = 0, .has_min = true, .scales = {0, 15, 15}};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int k = 0; k < 8; ++k) {
    const uint8_t* qs = block.qs + 32 * (k / 4);
    for (int j = 0; j < 32; ++j) out->code[32 * k + j] = (qs[j] >> (2 * (k % 4))) & 3;
  }
  for (int g = 0; g < 16; ++g) {
    out->scale[g] = static_cast<int8_t>(block.scales[g] & 0x0f);
    out->min[g] = block.scales[g] >> 4;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = f16_to_f32(block.dmin);
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block{};
  for (int k = 0; k < 8; ++k) {
    uint8_t* qs = block.qs + 32 * (k / 4);
    for (int j = 0; j < 32; ++j) {
      qs[j] |= static_cast<uint8_t>(in.code[32 * k + j] << (2 * (k % 4)));
    }
  }
  for (int g = 0; g < 16; ++g) {
    block.scales[g] = static_cast<uint8_t>(in.scale[g] | (in.min[g] << 4));
  }
  block.d = f32_to_f16(in.d);
  block.dmin = f32_to_f16(in.dmin);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q2_k) = {
    .name = "Q2_K",
    .gguf_id = 10,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
