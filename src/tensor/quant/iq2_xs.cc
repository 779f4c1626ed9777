// IQ2_XS: each 8 elements are a point of a codebook of 512 with signs; of 256, each 16 have a 4-bit
// scale.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"
#include "tensor/quant/lattice.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;         // f16
  uint16_t qs[32];    // 9 bits of point, 7 of signs
  uint8_t scales[8];  // nibbles
};
static_assert(sizeof(Block) == 74);

constexpr IntegerForm kForm = {.bits = 3,
                               .group = 16,
                               .super = 256,
                               .zero = kIq2Zero,
                               .has_min = false,
                               .level_bits = 7,
                               .levels = kIq2Levels,
                               .unit = 0.125f};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 32; ++i) {
    put_iq2_point(kIq2XsPoints[block.qs[i] & 511], even_signs(block.qs[i] >> 9), out->code + 8 * i);
  }
  for (int g = 0; g < 16; ++g) {
    out->scale[g] = odd_scale(block.scales[g / 2] >> (4 * (g % 2)) & 0x0f);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq2_xs) = {
    .name = "IQ2_XS",
    .gguf_id = 17,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
