// IQ2_XXS: each 8 elements are a point of a codebook of 256 with signs; of 256, each 32 have a
// 4-bit scale.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"
#include "tensor/quant/lattice.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

// Of 32 elements.
struct Group {
  uint8_t points[4];
  uint32_t signs;  // 7 bits for each point; the scale on top
};
struct Block {
  uint16_t d;  // f16
  uint16_t qs[32];
};
static_assert(sizeof(Block) == 66 && 8 * sizeof(Group) == sizeof(Block::qs));

constexpr IntegerForm kForm = {.bits = 3,
                               .group = 32,
                               .super = 256,
                               .zero = kIq2Zero,
                               .has_min = false,
                               .level_bits = 7,
                               .levels = kIq2Levels,
                               .unit = 0.125f};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  for (int g = 0; g < 8; ++g) {
    const auto group = load<Group>(bytes + offsetof(Block, qs) + sizeof(Group) * g);
    for (int i = 0; i < 4; ++i) {
      put_iq2_point(kIq2XxsPoints[group.points[i]], even_signs(group.signs >> (7 * i)),
                    out->code + 32 * g + 8 * i);
    }
    out->scale[g] = odd_scale(group.signs >> 28);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(load<uint16_t>(bytes));
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq2_xxs) = {
    .name = "IQ2_XXS",
    .gguf_id = 16,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
