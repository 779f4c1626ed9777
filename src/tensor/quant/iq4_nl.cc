// IQ4_NL: 4-bit codes that name 16 levels, finer around zero.
#include "tensor/quant/block.h"
#include "tensor/quant/legacy.h"
#include "tensor/quant_levels.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;      // f16
  uint8_t qs[16];  // elements 0-15 in the low nibbles, 16-31 in the high ones
};
static_assert(sizeof(Block) == 18);

constexpr IntegerForm kForm = {.bits = 4,
                               .group = 32,
                               .super = 32,
                               .zero = kIq4Zero,
                               .has_min = false,
                               .level_bits = 8,
                               .levels = kIq4Levels};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  unpack_nibbles(block.qs, out->code);
  set_single_group(out, f16_to_f32(block.d), 0);
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  Block block;
  block.d = f32_to_f16(in.d);
  pack_nibbles(in.code, block.qs);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq4_nl) = {
    .name = "IQ4_NL",
    .gguf_id = 20,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
