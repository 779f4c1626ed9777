// IQ3_S: each 4 elements are a point of a codebook of 512 with signs; of 256, each 32 have a 4-bit
// scale.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"
#include "tensor/quant/lattice.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;      // f16
  uint8_t qs[64];  // points, the lowest 8 bits
  uint8_t qh[8];   // points, the ninth bit
  uint8_t signs[32];
  uint8_t scales[4];  // nibbles
};
static_assert(sizeof(Block) == 110);

constexpr IntegerForm kForm = {.bits = 4,
                               .group = 32,
                               .super = 256,
                               .zero = kIq3SZero,
                               .has_min = false,
                               .level_bits = 5,
                               .levels = kIq3SLevels};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 64; ++i) {
    const size_t high = block.qh[i / 8] >> (i % 8) & 1;
    put_iq3_point(kIq3SPoints[block.qs[i] | high << 8],
                  static_cast<uint32_t>(block.signs[i / 2] >> (4 * (i % 2))), out->code + 4 * i);
  }
  for (int g = 0; g < 8; ++g) {
    out->scale[g] = odd_scale(block.scales[g / 2] >> (4 * (g % 2)) & 0x0f);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq3_s) = {
    .name = "IQ3_S",
    .gguf_id = 21,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
