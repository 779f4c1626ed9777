// IQ4_XS: the levels of IQ4_NL; of 256, each 32 have a 6-bit scale around 32.
#include "tensor/quant/block.h"
#include "tensor/quant/legacy.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;           // f16
  uint16_t scales_h;    // upper two bits of the scales
  uint8_t scales_l[4];  // their low nibbles
  uint8_t qs[128];      // each 16 bytes: 16 elements in the low nibbles, the next in the high ones
};
static_assert(sizeof(Block) == 136);

constexpr IntegerForm kForm = {.bits = 4,
                               .group = 32,
                               .super = 256,
                               .zero = kIq4Zero,
                               .has_min = false,
                               .level_bits = 8,
                               .levels = kIq4Levels,
                               .scales = {-32, 31, 0}};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int g = 0; g < 8; ++g) {
    unpack_nibbles(block.qs + 16 * g, out->code + 32 * g);
    const int low = block.scales_l[g / 2] >> (4 * (g % 2)) & 0x0f;
    const int high = block.scales_h >> (2 * g) & 3;
    out->scale[g] = static_cast<int8_t>((low | high << 4) - 32);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block{};
  for (int g = 0; g < 8; ++g) {
    const int scale = in.scale[g] + 32;
    pack_nibbles(in.code + 32 * g, block.qs + 16 * g);
    block.scales_l[g / 2] |= static_cast<uint8_t>((scale & 0x0f) << (4 * (g % 2)));
    block.scales_h |= static_cast<uint16_t>((scale >> 4) << (2 * g));
  }
  block.d = f32_to_f16(in.d);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq4_xs) = {
    .name = "IQ4_XS",
    .gguf_id = 23,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
