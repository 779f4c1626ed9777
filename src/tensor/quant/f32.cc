// F32: numbers as they are. Also the form in which norms and biases come.
#include "tensor/quant/block.h"

namespace overtake {
namespace {

void decode(const std::byte* blocks, float* out, int64_t n) {
  std::memcpy(out, blocks, static_cast<size_t>(n) * sizeof(float));
}

void encode(const float* in, std::byte* blocks, int64_t n) {
  std::memcpy(blocks, in, static_cast<size_t>(n) * sizeof(float));
}

}  // namespace

OVERTAKE_ENTRY(QuantType, quant_f32) = {
    .name = "F32",
    .gguf_id = 0,
    .block = 1,
    .block_bytes = 4,
    .decode = decode,
    .encode = encode,
    .integer = nullptr,
    .to_integers = nullptr,
    .floating = FloatForm::kF32,
};

}  // namespace overtake
