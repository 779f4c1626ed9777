// The matrix product's kernels in plain C++, for any processor.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "tensor/cpu/integer_forms.h"
#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/matmul_kernels.h"

namespace overtake::scalar {
namespace {
// clang-format off
#include "tensor/cpu/kernel/simd_scalar.inl.h"
#include "tensor/cpu/kernel/matmul_bytes_scalar.inl.h"
#include "tensor/cpu/kernel/matmul_integer.inl.h"
#include "tensor/cpu/kernel/integer_table.inl.h"
#include "tensor/cpu/kernel/matmul_rows.inl.h"
// clang-format on
}  // namespace
}  // namespace overtake::scalar

namespace overtake {
const MatmulKernels matmul_kernels_scalar = {scalar::F32::kLanes,     scalar::kByteZero,
                                             scalar::integer_kernels, scalar::float_kernels,
                                             scalar::quantize_row,    scalar::put_sums};
}
