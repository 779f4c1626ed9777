// Rows of a file's tensor to one tile of a packed weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/cpu/matmul_kernels.h"
#include "tensor/quant_type.h"

namespace overtake {

// One row of the file for each lane; null for a lane past the last row, which becomes zeros.
using TileRows = std::span<const std::byte* const>;

void pack_integer_tile(const QuantType& type, const IntegerLayout& layout, TileRows rows,
                       int64_t n_in, uint8_t* out);
// `element_bytes` is 4 or 2.
void pack_float_tile(int element_bytes, TileRows rows, int64_t n_in, uint8_t* out);

}  // namespace overtake
