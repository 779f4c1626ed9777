// The two orders in which a head's rows of a query or key matrix stand. transformers turns row j of
// a head with row j + n/2, GGUF's llama turns row 2j with row 2j + 1.
#pragma once

#include <cstdint>
#include <vector>

#include "model/weight_loader.h"

namespace overtake {

// Takes rows that stand in pairs, gives them in halves; only the first `n_rotated` rows of a head
// turn, the others keep their place.
std::vector<MatrixPart::Rows> halves_of_pairs(int64_t n_heads, int64_t head_dim, int64_t n_rotated);
// The way back, where all rows turn.
std::vector<MatrixPart::Rows> pairs_of_halves(int64_t n_heads, int64_t head_dim);

}  // namespace overtake
