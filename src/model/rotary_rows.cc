#include "model/rotary_rows.h"

namespace overtake {

std::vector<MatrixPart::Rows> halves_of_pairs(int64_t n_heads, int64_t head_dim,
                                              int64_t n_rotated) {
  std::vector<MatrixPart::Rows> out;
  for (int64_t head = 0; head < n_heads; ++head) {
    const int64_t first = head * head_dim;
    for (const int64_t half : {0, 1}) {
      for (int64_t j = half; j < n_rotated; j += 2) out.push_back({first + j, 1});
    }
    if (n_rotated < head_dim) out.push_back({first + n_rotated, head_dim - n_rotated});
  }
  return out;
}

std::vector<MatrixPart::Rows> pairs_of_halves(int64_t n_heads, int64_t head_dim) {
  std::vector<MatrixPart::Rows> out;
  for (int64_t head = 0; head < n_heads; ++head) {
    for (int64_t j = 0; j < head_dim / 2; ++j) {
      out.push_back({head * head_dim + j, 1});
      out.push_back({head * head_dim + head_dim / 2 + j, 1});
    }
  }
  return out;
}

}  // namespace overtake
