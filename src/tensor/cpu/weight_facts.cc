#include "tensor/cpu/weight_facts.h"

#include "tensor/cpu/matmul.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {

MultiplyKind multiply_kind(const Weight& weight, Phase phase) {
  if (phase == Phase::kPrefill && prefills_in_bf16(weight)) return MultiplyKind::kBf16;
  int64_t integer_rows = 0;
  for (const PackedSegment& segment : static_cast<const PackedWeight&>(weight).segments()) {
    if (segment.integer) integer_rows += segment.n_rows;
  }
  return 2 * integer_rows >= weight.n_out() ? MultiplyKind::kInt8 : MultiplyKind::kF32;
}

std::span<const std::byte> packed_numbers(const Weight& weight) {
  return static_cast<const PackedWeight&>(weight).memory();
}

}  // namespace overtake
