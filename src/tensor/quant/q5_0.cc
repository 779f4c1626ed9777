// Q5_0: 5-bit codes around 16, one f16 scale for 32.
#include "tensor/quant/block.h"
#include "tensor/quant/legacy.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;      // f16
  uint8_t qh[4];   // fifth bits, as one little-endian word
  uint8_t qs[16];  // nibbles
};
static_assert(sizeof(Block) == 22);

constexpr IntegerForm kForm = {.bits = 5, .group = 32, .super = 32, .zero = 16, .has_min = false};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  unpack_nibbles(block.qs, out->code);
  add_fifth_bits(std::bit_cast<uint32_t>(block.qh), out->code);
  set_single_group(out, f16_to_f32(block.d), 0);
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += kLegacyBlock, blocks += sizeof(Block)) {
    const LegacyCodes codes = codes_by_signed_max(in + i, kForm.zero);
    const uint32_t fifth_bits = pack_fifth_bits(codes.code);
    Block block;
    block.d = f32_to_f16(codes.d);
    std::memcpy(block.qh, &fifth_bits, sizeof block.qh);
    pack_nibbles(codes.code, block.qs);
    store(block, blocks);
  }
}

void from_integers(const IntegerBlock& in, std::byte* bytes) {
  const uint32_t fifth_bits = pack_fifth_bits(in.code);
  Block block;
  block.d = f32_to_f16(in.d);
  std::memcpy(block.qh, &fifth_bits, sizeof block.qh);
  pack_nibbles(in.code, block.qs);
  store(block, bytes);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_q5_0) = {
    .name = "Q5_0",
    .gguf_id = 6,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = encode,
    .integer = &kForm,
    .to_integers = to_integers,
    .from_integers = from_integers,
};

}  // namespace overtake
