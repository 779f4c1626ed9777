// Panels of 16 rows on AMX's matrix unit: one instruction multiplies 16 rows of activations by 16
// outputs over a group of 32, coarse and fine terms at once. It computes the same integers as the
// kernels of AVX-512, and what follows is the same operations in the same order, so the results
// have the same bits. Groups of 16 would leave the unit half empty and are no faster than without
// it. Included after matmul_bytes_avx512.inl.h and tiles_amx.inl.h.

constexpr int kTileRows = 16;

// Registers 0 to 3 hold dots [16 rows, 16 outputs] of i32, 4 and 6 activations [16 rows, 64] of i8,
// 5 and 7 folded codes [16, 16 outputs, 4] of u8.

constexpr int kSlots = 4;  // dots in flight
constexpr int kDots = kTileRows * 16;

// Register numbers are part of the instruction's text, so each slot has its own.
template <int kSlot>
OVERTAKE_INLINE void start_dot(const int8_t* x, const uint8_t* codes) {
  if constexpr (kSlot % 2 == 0) {
    _tile_loadd(4, x, kRowBlock);
    _tile_loadd(5, codes, 64);
  } else {
    _tile_loadd(6, x, kRowBlock);
    _tile_loadd(7, codes, 64);
  }
  if constexpr (kSlot == 0) {
    _tile_zero(0);
    _tile_dpbsud(0, 4, 5);
  } else if constexpr (kSlot == 1) {
    _tile_zero(1);
    _tile_dpbsud(1, 6, 7);
  } else if constexpr (kSlot == 2) {
    _tile_zero(2);
    _tile_dpbsud(2, 4, 5);
  } else {
    _tile_zero(3);
    _tile_dpbsud(3, 6, 7);
  }
}

template <int kSlot>
OVERTAKE_INLINE void store_dot(int32_t* dots) {
  if constexpr (kSlot == 0) _tile_stored(0, dots, 64);
  if constexpr (kSlot == 1) _tile_stored(1, dots + kDots, 64);
  if constexpr (kSlot == 2) _tile_stored(2, dots + 2 * kDots, 64);
  if constexpr (kSlot == 3) _tile_stored(3, dots + 3 * kDots, 64);
}

// The blocks of one panel and one tile.
template <bool kHasMin>
struct TileProduct {
  const IntegerPanel& panel;
  const IntegerRows& x;
  int32_t* dots;  // [kSlots, 16 rows, 16 outputs]

  template <int kSlot>
  OVERTAKE_INLINE void start(int64_t block) const {
    start_dot<kSlot>(x.codes + block * kTileRows * kRowBlock,
                     panel.codes + block * panel.code_bytes);
  }

  // As the end of add_block.
  OVERTAKE_INLINE void add_scaled(int64_t block, const int32_t* block_dots,
                                  F32 (&sum)[kTileRows]) const {
    const F32 scale = load(panel.scale + block * 16);
    const F32 offset = scale * broadcast(-kDotBiasFloat);
    const F32 min = kHasMin ? load(panel.min + block * 16) : scale;
    OVERTAKE_UNROLL
    for (int r = 0; r < kTileRows; ++r) {
      const int64_t at = block * kTileRows + r;
      const I32 start = broadcast_i32(kHasMin ? kDotBias : x.zero_sum[at]);
      const I32 dot = {_mm512_add_epi32(_mm512_load_si512(block_dots + r * 16), start.v)};
      sum[r] = fma(scaled_dot(dot, scale, offset), broadcast(x.scale[at]), sum[r]);
      if constexpr (kHasMin) sum[r] = fma(min, broadcast(x.min_sum[at]), sum[r]);
    }
  }

  // The matrix unit begins a block, stores the one before, and the vector unit scales the one
  // before that: none waits for what has just begun.
  template <int kSlot>
  OVERTAKE_INLINE void step(int64_t block, F32 (&sum)[kTileRows]) const {
    start<(kSlot + 2) % kSlots>(block + 2);
    store_dot<(kSlot + 1) % kSlots>(dots);
    add_scaled(block, dots + kSlot * kDots, sum);
  }
};

// As multiply_panel, of 16 rows in a panel of that height. Reads activations and codes of up to two
// blocks past the last.
template <bool kHasMin>
void multiply_tiles(const IntegerPanel& panel, int64_t n_blocks, const IntegerRows& x,
                    float* sums) {
  alignas(64) int32_t dots[kSlots * kDots];
  const TileProduct<kHasMin> product = {panel, x, dots};
  F32 sum[kTileRows];
  OVERTAKE_UNROLL
  for (int r = 0; r < kTileRows; ++r) sum[r] = load(sums + r * 16);
  product.template start<0>(0);
  product.template start<1>(1);
  store_dot<0>(dots);
  for (int64_t i = 0; i < n_blocks; i += kSlots) {
    product.template step<0>(i, sum);
    if (i + 1 < n_blocks) product.template step<1>(i + 1, sum);
    if (i + 2 < n_blocks) product.template step<2>(i + 2, sum);
    if (i + 3 < n_blocks) product.template step<3>(i + 3, sum);
  }
  OVERTAKE_UNROLL
  for (int r = 0; r < kTileRows; ++r) store(sums + r * 16, sum[r]);
}
