// Q3_K: 3-bit codes around 4; of 256, each 16 have a signed 6-bit scale.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

struct Block {
  uint8_t hmask[32];   // third bits: 32 elements in the lowest bits, and so on upwards
  uint8_t qs[64];      // each 32 bytes: 32 elements in their lowest two bits, and so on upwards
  uint8_t scales[12];  // 8 bytes of low nibbles, then 4 bytes of upper bit pairs
  uint16_t d;          // f16
};
static_assert(sizeof(Block) == 110);

constexpr IntegerForm kForm = {
    .bits = 3, .group = 16, .super = 256, .zero = 4, .has_min = false, .scales = {-32, 31, 0}};

// Scale g around 32: its low nibble is in byte g % 8, its upper two bits in byte 8 + g % 4.
int8_t unpack_scale(const uint8_t packed[12], int g) {
  const int low = (packed[g % 8] >> (4 * (g / 8))) & 0x0f;
  const int high = (packed[8 + g % 4] >> (2 * (g / 4))) & 3;
  return static_cast<int8_t>((low | (high << 4)) - 32);
}

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int k = 0; k < 8; ++k) {
    const uint8_t* qs = block.qs + 32 * (k / 4);
    for (int j = 0; j < 32; ++j) {
      const int low = (qs[j] >> (2 * (k % 4))) & 3;
      const int high = (block.hmask[j] >> k) & 1;
      out->code[32 * k + j] = static_cast<uint8_t>(low | (high << 2));
    }
  }
  for (int g = 0; g < 16; ++g) {
    out->scale[g] = unpack_scale(block.scales, g);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block{};
  for (int k = 0; k < 8; ++k) {
    uint8_t* qs = block.qs + 32 * (k / 4);
    for (int j = 0; j < 32; ++j) {
      const int code = in.code[32 * k + j];
      qs[j] |= static_cast<uint8_t>((code & 3) << (2 * (k % 4)));
      block.hmask[j] |= static_cast<uint8_t>((code >> 2) << k);
    }
  }
  for (int g = 0; g < 16; ++g) {
    const int scale = in.scale[g] + 32;
    block.scales[g % 8] |= static_cast<uint8_t>((scale & 0x0f) << (4 * (g / 8)));
    block.scales[8 + g % 4] |= static_cast<uint8_t>((scale >> 4) << (2 * (g / 4)));
  }
  block.d = f32_to_f16(in.d);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q3_k) = {
    .name = "Q3_K",
    .gguf_id = 11,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
