// F16: IEEE 754 binary16.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

void decode(const std::byte* blocks, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = f16_to_f32(load<uint16_t>(blocks + 2 * i));
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; ++i) store(f32_to_f16(in[i]), blocks + 2 * i);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_f16) = {
    .name = "F16",
    .gguf_id = 1,
    .block = 1,
    .block_bytes = 2,
    .decode = decode,
    .encode = encode,
    .integer = nullptr,
    .to_integers = nullptr,
    .floating = FloatForm::kF16,
};

}  // namespace overtake
