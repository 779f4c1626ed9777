// IQ2_S: each 8 elements are a point of a codebook of 1024 with signs; of 256, each 16 have a 4-bit
// scale.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"
#include "tensor/quant/lattice.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;      // f16
  uint8_t qs[32];  // points, the lowest 8 bits
  uint8_t signs[32];
  uint8_t qh[8];      // points, the upper two bits
  uint8_t scales[8];  // nibbles
};
static_assert(sizeof(Block) == 82);

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
    const size_t high = block.qh[i / 4] >> (2 * (i % 4)) & 3;
    put_iq2_point(kIq2SPoints[block.qs[i] | high << 8], block.signs[i], out->code + 8 * i);
  }
  for (int g = 0; g < 16; ++g) {
    out->scale[g] = odd_scale(block.scales[g / 2] >> (4 * (g % 2)) & 0x0f);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq2_s) = {
    .name = "IQ2_S",
    .gguf_id = 22,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
