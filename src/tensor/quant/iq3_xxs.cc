// IQ3_XXS: each 4 elements are a point of a codebook of 256 with signs; of 256, each 32 have a
// 4-bit scale.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"
#include "tensor/quant/lattice.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;  // f16
  uint8_t qs[64];
  uint8_t signs[32];  // for each 32 elements a word: 7 bits for each 8; the scale on top
};
static_assert(sizeof(Block) == 98);

constexpr IntegerForm kForm = {.bits = 4,
                               .group = 32,
                               .super = 256,
                               .zero = kIq3XxsZero,
                               .has_min = false,
                               .level_bits = 7,
                               .levels = kIq3XxsLevels,
                               .unit = 0.25f};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int g = 0; g < 8; ++g) {
    const auto word = load<uint32_t>(bytes + offsetof(Block, signs) + 4 * g);
    for (int i = 0; i < 8; ++i) {
      const uint32_t signs = even_signs(word >> (7 * (i / 2)));
      put_iq3_point(kIq3XxsPoints[block.qs[8 * g + i]], signs >> (4 * (i % 2)),
                    out->code + 32 * g + 4 * i);
    }
    out->scale[g] = odd_scale(word >> 28);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(block.d);
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq3_xxs) = {
    .name = "IQ3_XXS",
    .gguf_id = 18,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
