// IQ1_S: each 8 elements are a point of a codebook of 2048, of numbers -1, 0 and 1; of 256, each 32
// have a 3-bit scale and a shift by an eighth up or down.
#include "tensor/quant/block.h"
#include "tensor/quant/codebooks.h"

namespace overtake {
namespace {

struct Block {
  uint16_t d;      // f16
  uint8_t qs[32];  // points, the lowest 8 bits
  uint16_t
      qh[8];  // for each 32 elements: three upper bits of 4 points, the scale, the shift's sign
};
static_assert(sizeof(Block) == 50);

// scale * (code - 1 +- 1/8) = (8 scale * code - scale * (8 -+ 1)) / 8.
constexpr IntegerForm kForm = {
    .bits = 2, .group = 32, .super = 256, .zero = 0, .has_min = true, .unit = 0.125f};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  const Block block = load<Block>(bytes);
  for (int i = 0; i < 32; ++i) {
    const size_t high = block.qh[i / 4] >> (3 * (i % 4)) & 7;
    const uint32_t point = kIq1SPoints[block.qs[i] | high << 8];
    for (int j = 0; j < 8; ++j) out->code[8 * i + j] = point >> (2 * j) & 3;
  }
  for (int g = 0; g < 8; ++g) {
    const int scale = 2 * (block.qh[g] >> 12 & 7) + 1;
    out->scale[g] = static_cast<int8_t>(8 * scale);
    out->min[g] = static_cast<uint8_t>(scale * (block.qh[g] & 0x8000 ? 9 : 7));
  }
  out->d = f16_to_f32(block.d);
  out->dmin = out->d;
}

// In the order of the `gguf` package: the other form has other zeros and infinities.
void decode(const std::byte* blocks, float* out, int64_t n) {
  IntegerBlock block;
  for (int64_t i = 0; i < n; i += kForm.super, blocks += sizeof(Block)) {
    to_integers(blocks, &block);
    for (int j = 0; j < kForm.super; ++j) {
      const int scale = block.scale[j / 32];
      const float number = static_cast<float>(scale * block.code[j] - block.min[j / 32]);
      out[i + j] = block.d * number * kForm.unit;
    }
  }
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_iq1_s) = {
    .name = "IQ1_S",
    .gguf_id = 19,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode,
    .encode = nullptr,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
