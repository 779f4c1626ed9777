// BF16: the upper half of an f32, in which most models are published.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

void decode(const std::byte* blocks, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = bf16_to_f32(load<uint16_t>(blocks + 2 * i));
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; ++i) store(f32_to_bf16(in[i]), blocks + 2 * i);
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_bf16) = {
    .name = "BF16",
    .gguf_id = 30,
    .block = 1,
    .block_bytes = 2,
    .decode = decode,
    .encode = encode,
    .integer = nullptr,
    .to_integers = nullptr,
    .floating = FloatForm::kBf16,
};

}  // namespace overtake
