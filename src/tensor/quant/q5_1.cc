// Q5_1: 5-bit codes with one f16 scale and one f16 minimum, which is added, for 32.
#include "tensor/quant/block.h"
#include "tensor/quant/legacy.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;      // f16
  uint16_t m;      // f16
  uint8_t qh[4];   // fifth bits, as one little-endian word
  uint8_t qs[16];  // nibbles
};
static_assert(sizeof(Block) == 24);

constexpr IntegerForm kForm = {.bits = 5, .group = 32, .super = 32, .zero = 0, .has_min = true};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  unpack_nibbles(block.qs, out->code);
  add_fifth_bits(std::bit_cast<uint32_t>(block.qh), out->code);
  set_single_group(out, f16_to_f32(block.d), -f16_to_f32(block.m));
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += kLegacyBlock, blocks += sizeof(Block)) {
    const LegacyCodes codes = codes_by_range(in + i, 31);
    const uint32_t fifth_bits = pack_fifth_bits(codes.code);
    Block block;
    block.d = f32_to_f16(codes.d);
    block.m = f32_to_f16(codes.min);
    std::memcpy(block.qh, &fifth_bits, sizeof block.qh);
    pack_nibbles(codes.code, block.qs);
    store(block, blocks);
  }
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  const uint32_t fifth_bits = pack_fifth_bits(in.code);
  Block block;
  block.d = f32_to_f16(in.d);
  block.m = f32_to_f16(-in.dmin);
  std::memcpy(block.qh, &fifth_bits, sizeof block.qh);
  pack_nibbles(in.code, block.qs);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q5_1) = {
    .name = "Q5_1",
    .gguf_id = 7,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = encode,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
