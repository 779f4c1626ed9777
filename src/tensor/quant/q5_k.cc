// Q5_K: 5-bit codes; of 256, each 32 have a 6-bit scale and a 6-bit min.
#include "tensor/quant/block.h"
#include "tensor/quant/k_scales.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;     // f16
  uint16_t dmin;  // f16
  uint8_t scales[12];
  uint8_t qh[32];   // fifth bits: 32 elements in the lowest bits, and so on upwards
  uint8_t qs[128];  // each 32 bytes: the low nibbles of 32 elements, the high ones of the next 32
};
static_assert(sizeof(Block) == 176);

constexpr IntegerForm kForm = {
    .bits = 5, .group = 32, .super = 256, .zero = 0, .has_min = true, .scales = {0, 63, 63}};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int k = 0; k < 8; ++k) {
    const uint8_t* qs = block.qs + 32 * (k / 2);
    for (int j = 0; j < 32; ++j) {
      const int low = (qs[j] >> (4 * (k % 2))) & 0x0f;
      const int high = (block.qh[j] >> k) & 1;
      out->code[32 * k + j] = static_cast<uint8_t>(low | (high << 4));
    }
  }
  unpack_k_scales(block.scales, out->scale, out->min);
  out->d = f16_to_f32(block.d);
  out->dmin = f16_to_f32(block.dmin);
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block{};
  for (int k = 0; k < 8; ++k) {
    uint8_t* qs = block.qs + 32 * (k / 2);
    for (int j = 0; j < 32; ++j) {
      const int code = in.code[32 * k + j];
      qs[j] |= static_cast<uint8_t>((code & 0x0f) << (4 * (k % 2)));
      block.qh[j] |= static_cast<uint8_t>((code >> 4) << k);
    }
  }
  pack_k_scales(in.scale, in.min, block.scales);
  block.d = f32_to_f16(in.d);
  block.dmin = f32_to_f16(in.dmin);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q5_k) = {
    .name = "Q5_K",
    .gguf_id = 13,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
