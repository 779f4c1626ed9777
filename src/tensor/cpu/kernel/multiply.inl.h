// A small matrix product on registers: c [rows, cols] = c * scale + a [rows, depth] b [depth,
// cols]. Element (r, c) is one chain of fused products in the order of depth, however rows and
// columns are cut into tiles; so a row's result is the same alone and among others.

template <typename T, typename Page>
struct Product {
  const float* a;
  int64_t a_stride;
  const T* b;
  int64_t b_stride;
  int64_t depth;
  float* c;
  int64_t c_stride;
  const float* scale;  // [rows]; null: c starts from zero
  // What takes b's place in the next product, to be fetched early. Where b is a widened copy, this
  // is still as it stands in the page.
  const Page* ahead;
  int64_t ahead_stride;
};

OVERTAKE_INLINE F32 load_as_f32(const float* p) { return load(p); }
OVERTAKE_INLINE F32 load_as_f32(const uint16_t* p) { return load_f16(p); }
OVERTAKE_INLINE F32 load_as_f32(const int8_t* p) { return load_i8(p); }

template <int kRows, int kVectors, typename T, typename Page>
inline void multiply_tile(const Product<T, Page>& p, int64_t row, int64_t col) {
  F32 sum[kRows][kVectors];
  float* c = p.c + row * p.c_stride + col;
  OVERTAKE_UNROLL for (int r = 0; r < kRows; ++r) {
    OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = p.scale ? load(c + r * p.c_stride + v * F32::kLanes) * broadcast(p.scale[row + r])
                          : zero();
    }
  }
  // A pointer for every third row leaves the others to be reached by adding the stride once or
  // twice, which an address can do; twelve pointers would not fit the registers.
  const float* a[(kRows + 2) / 3];
  OVERTAKE_UNROLL for (int r = 0; r < kRows; r += 3) {
    a[r / 3] = p.a + (row + r) * p.a_stride;
    OVERTAKE_OPAQUE(a[r / 3]);
  }
  const T* b = p.b + col;
  const Page* ahead = p.ahead + col;
  constexpr int kLine = 64 / sizeof(Page);  // elements
  for (int64_t k = p.depth; k > 0; --k) {
    F32 b_part[kVectors];
    OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
      b_part[v] = load_as_f32(b + v * F32::kLanes);
    }
    OVERTAKE_UNROLL for (int r = 0; r < kRows; ++r) {
      const F32 factor = broadcast(a[r / 3][r % 3 * p.a_stride]);
      OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = fma(factor, b_part[v], sum[r][v]);
      }
    }
    OVERTAKE_UNROLL for (int i = 0; i < kVectors * F32::kLanes; i += kLine) {
      __builtin_prefetch(ahead + i, 0, 2);
    }
    OVERTAKE_UNROLL for (int r = 0; r < kRows; r += 3) {
      ++a[r / 3];
      OVERTAKE_OPAQUE(a[r / 3]);
    }
    b += p.b_stride;
    ahead += p.ahead_stride;
  }
  OVERTAKE_UNROLL for (int r = 0; r < kRows; ++r) {
    OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
      store(c + r * p.c_stride + v * F32::kLanes, sum[r][v]);
    }
  }
}

// Columns [0, cols), a multiple of the lanes, of kRows rows.
template <int kRows, typename T, typename Page>
OVERTAKE_INLINE void multiply_rows(const Product<T, Page>& p, int64_t row, int64_t cols) {
  // Few rows: more columns at once, so that the chains of sums hide their latency.
  constexpr int kVectors = kRows * 4 <= kTileRegisters ? 4 : 2;
  int64_t col = 0;
  for (; cols - col >= kVectors * F32::kLanes; col += kVectors * F32::kLanes) {
    multiply_tile<kRows, kVectors>(p, row, col);
  }
  if constexpr (kVectors > 2) {
    for (; cols - col >= 2 * F32::kLanes; col += 2 * F32::kLanes) {
      multiply_tile<kRows, 2>(p, row, col);
    }
  }
  for (; cols - col >= F32::kLanes; col += F32::kLanes) multiply_tile<kRows, 1>(p, row, col);
}

template <typename T, typename Page>
inline void multiply(const Product<T, Page>& p, int64_t rows, int64_t cols) {
  constexpr int kMost = kTileRegisters / 2;
  int64_t row = 0;
  for (; row + kMost <= rows; row += kMost) multiply_rows<kMost>(p, row, cols);
  if constexpr (kMost > 8) {
    for (; row + 8 <= rows; row += 8) multiply_rows<8>(p, row, cols);
  }
  for (; row + 4 <= rows; row += 4) multiply_rows<4>(p, row, cols);
  if (row + 3 == rows) return multiply_rows<3>(p, row, cols);
  if (row + 2 <= rows) multiply_rows<2>(p, row, cols), row += 2;
  if (row < rows) multiply_rows<1>(p, row, cols);
}
