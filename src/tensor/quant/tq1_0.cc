// TQ1_0: ternary numbers, five to a byte; 256 share a scale.
#include "tensor/quant/block.h"
#include "tensor/quant/ternary.h"

namespace overtake {
namespace {

// A byte is a fraction of 256 whose digits in base 3 are its elements, the first one the most
// significant.
struct Block {
  uint8_t qs[48];  // 32 bytes of five digits, 16 of five
  uint8_t qh[4];   // of four
  uint16_t d;      // f16
};
static_assert(sizeof(Block) == 54);

constexpr IntegerForm kForm = {.bits = 2, .group = 256, .super = 256, .zero = 1, .has_min = false};

// Element k * count + j of a part is digit k of its byte j.
struct Part {
  int first_byte;
  int count;
  int digits;
};
constexpr Part kParts[] = {{0, 32, 5}, {32, 16, 5}, {48, 4, 4}};

void to_integers(const std::byte* bytes, IntegerBlock* out) {
  uint8_t* code = out->code;
  for (const Part& part : kParts) {
    uint8_t rest[32];
    std::memcpy(rest, bytes + part.first_byte, static_cast<size_t>(part.count));
    for (int k = 0; k < part.digits; ++k) {
      for (int j = 0; j < part.count; ++j) {
        const int tripled = 3 * rest[j];
        *code++ = static_cast<uint8_t>(tripled >> 8);
        rest[j] = static_cast<uint8_t>(tripled);
      }
    }
  }
  set_single_group(out, f16_to_f32(load<Block>(bytes).d), 0);
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += kTernaryBlock, blocks += sizeof(Block)) {
    const TernaryCodes codes = ternary_codes(in + i);
    const uint8_t* code = codes.code;
    for (const Part& part : kParts) {
      for (int j = 0; j < part.count; ++j) {
        int number = 0;
        for (int k = 0; k < 5; ++k) {
          number = 3 * number + (k < part.digits ? code[k * part.count + j] : 0);
        }
        // Rounded up, so that digits read from the fraction are those of the number.
        blocks[part.first_byte + j] = static_cast<std::byte>((number * 256 + 242) / 243);
      }
      code += part.count * part.digits;
    }
    store(f32_to_f16(codes.d), blocks + offsetof(Block, d));
  }
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_tq1_0) = {
    .name = "TQ1_0",
    .gguf_id = 34,
    .block = kForm.super,
    .block_bytes = sizeof(Block),
    .decode = decode_integer_blocks<kForm, kForm.super, sizeof(Block), to_integers>,
    .encode = encode,
    .integer = &kForm,
    .to_integers = to_integers,
};

}  // namespace overtake
