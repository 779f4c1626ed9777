// Q6_K: 6-bit codes around 32; of 256, each 16 have a signed 8-bit scale.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

struct Block {
  uint8_t ql[128];  // low nibbles: element i in byte 64 (i / 128) + i % 64, nibble i / 64 % 2
  uint8_t qh[64];   // upper bits: byte 32 (i / 128) + i % 32, bits 2 (i / 32 % 4) and up
  int8_t scales[16];
  uint16_t d;  // f16
};
static_assert(sizeof(Block) == 210);

constexpr IntegerForm kForm = {.bits = 6, .group = 16, .super = 256, .zero = 32, .has_min = false};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 256; ++i) {
    const int low = (block.ql[64 * (i / 128) + i % 64] >> (4 * (i / 64 % 2))) & 0x0f;
    const int high = (block.qh[32 * (i / 128) + i % 32] >> (2 * (i / 32 % 4))) & 3;
    out->code[i] = static_cast<uint8_t>(low | (high << 4));
  }
  std::memcpy(out->scale, block.scales, sizeof block.scales);
  std::memset(out->min, 0, sizeof out->min);
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q6_k) = {
    .name = "Q6_K",
    .gguf_id = 14,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
