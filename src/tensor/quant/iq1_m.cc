// IQ1_M: each 8 elements are a point of IQ1_S's codebook, of numbers -1, 0 and 1, with a shift by
// an eighth up or down; of 256, each 16 have a 3-bit scale.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint8_t qs[32];      // points, the lowest 8 bits
  uint8_t qh[16];      // a nibble for each point: three upper bits, the shift's sign
  uint16_t scales[4];  // four scales each; their top nibbles are an f16, the lowest first
};
static_assert(sizeof(Block) == 56);

constexpr IntegerForm kForm = {.bits = 3,
                               .group = 16,
                               .super = 256,
                               .zero = kIq1Zero,
                               .has_min = false,
                               .level_bits = 5,
                               .levels = kIq1Levels,
                               .unit = 0.125f};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 32; ++i) {
    const uint32_t nibble = block.qh[i / 2] >> (4 * (i % 2)) & 0x0f;
    const uint32_t point = kIq1SPoints[block.qs[i] | (nibble & 7) << 8];
    const uint32_t first_level = nibble & 8 ? 0 : 3;
    for (int j = 0; j < 8; ++j) {
      out->code[8 * i + j] = static_cast<uint8_t>(first_level + (point >> (2 * j) & 3));
    }
  }
  uint32_t d = 0;
  for (int i = 0; i < 4; ++i) d |= static_cast<uint32_t>(block.scales[i] >> 12) << (4 * i);
  for (int g = 0; g < 16; ++g) {
    out->scale[g] = static_cast<int8_t>(2 * (block.scales[g / 4] >> (3 * (g % 4)) & 7) + 1);
    out->min[g] = 0;
  }
  out->d = f16_to_f32(static_cast<uint16_t>(d));
  out->dmin = 0;
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq1_m) = {
    .name = "IQ1_M",
    .gguf_id = 29,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
