// Q6_K: 6-bit codes around 32; of 256, each 16 have a signed 8-bit scale.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

struct Block {
  uint8_t ql[128];  // each 64 bytes: 64 elements in the low nibbles, then 64 in the high ones
  uint8_t qh[64];   // upper bits, each 32 bytes: 32 elements in the lowest two bits, and so on
  int8_t scales[16];
  uint16_t d;  // f16
};
static_assert(sizeof(Block) == 210);

constexpr IntegerForm kForm = {
    .bits = 6, .group = 16, .super = 256, .zero = 32, .has_min = false, .scales = {-128, 127, 0}};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int k = 0; k < 8; ++k) {
    const uint8_t* ql = block.ql + 64 * (k / 4) + 32 * (k % 2);
    const uint8_t* qh = block.qh + 32 * (k / 4);
    for (int j = 0; j < 32; ++j) {
      const int low = (ql[j] >> (4 * (k / 2 % 2))) & 0x0f;
      const int high = (qh[j] >> (2 * (k % 4))) & 3;
      out->code[32 * k + j] = static_cast<uint8_t>(low | (high << 4));
    }
  }
  std::memcpy(out->scale, block.scales, sizeof block.scales);
  std::memset(out->min, 0, sizeof out->min);
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block{};
  for (int k = 0; k < 8; ++k) {
    uint8_t* ql = block.ql + 64 * (k / 4) + 32 * (k % 2);
    uint8_t* qh = block.qh + 32 * (k / 4);
    for (int j = 0; j < 32; ++j) {
      const int code = in.code[32 * k + j];
      ql[j] |= static_cast<uint8_t>((code & 0x0f) << (4 * (k / 2 % 2)));
      qh[j] |= static_cast<uint8_t>((code >> 4) << (2 * (k % 4)));
    }
  }
  std::memcpy(block.scales, in.scale, sizeof block.scales);
  block.d = f32_to_f16(in.d);
  store(block, bytes);
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
    .from_integers = from_integers,
};

}  // namespace overtake
