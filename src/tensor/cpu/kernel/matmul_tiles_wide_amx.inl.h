// As matmul_tiles_amx.inl.h, for codes that do not fold into bytes (7 and 8 bits): coarse and fine
// terms are two dots of half the length, joined as integers afterwards, as dot_rows of the kernels
// for rows has it. Included after matmul_tiles_amx.inl.h.

// Registers 0 to 3 hold dots [16 rows, 16 outputs], coarse and fine of two blocks; 4 and 5
// activations [16 rows, 32] of i8, coarse and fine; 6 and 7 codes [8, 16 outputs, 4] of u8.
struct WideTileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 32, 32, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 8, 8};
};
static_assert(sizeof(WideTileConfig) == 64);
alignas(64) constexpr WideTileConfig wide_tile_config;

void begin_wide_tiles() { __asm__ volatile("ldtilecfg %0" : : "m"(wide_tile_config) : "memory"); }

// The dots of a block in register slot 0 or 1.
template <int kSlot>
OVERTAKE_INLINE void start_wide_dot(const int8_t* x, const uint8_t* codes) {
  _tile_loadd(4, x, kRowBlock);
  _tile_loadd(5, x + kBlockK, kRowBlock);
  if constexpr (kSlot == 0) {
    _tile_loadd(6, codes, 64);
    _tile_zero(0);
    _tile_zero(1);
    _tile_dpbsud(0, 4, 6);
    _tile_dpbsud(1, 5, 6);
  } else {
    _tile_loadd(7, codes, 64);
    _tile_zero(2);
    _tile_zero(3);
    _tile_dpbsud(2, 4, 7);
    _tile_dpbsud(3, 5, 7);
  }
}

template <int kSlot>
OVERTAKE_INLINE void store_wide_dot(int32_t* dots) {
  if constexpr (kSlot == 0) {
    _tile_stored(0, dots, 64);
    _tile_stored(1, dots + kDots, 64);
  } else {
    _tile_stored(2, dots + 2 * kDots, 64);
    _tile_stored(3, dots + 3 * kDots, 64);
  }
}

struct WideTileProduct {
  const IntegerPanel& panel;
  const IntegerRows& x;
  int32_t* dots;  // [2, coarse and fine, 16 rows, 16 outputs]

  template <int kSlot>
  OVERTAKE_INLINE void start(int64_t block) const {
    start_wide_dot<kSlot>(x.codes + block * kTileRows * kRowBlock,
                          panel.codes + block * panel.code_bytes);
  }

  // As the end of add_block.
  OVERTAKE_INLINE void add_scaled(int64_t block, const int32_t* coarse,
                                  F32 (&sum)[kTileRows]) const {
    const F32 scale = load(panel.scale + block * 16);
    OVERTAKE_UNROLL
    for (int r = 0; r < kTileRows; ++r) {
      const int64_t at = block * kTileRows + r;
      const I32 high = shift_left<kFinest>({_mm512_load_si512(coarse + r * 16)});
      const I32 low = {_mm512_load_si512(coarse + kDots + r * 16)};
      const F32 value = to_f32(high + broadcast_i32(x.zero_sum[at]) + low) * scale;
      sum[r] = fma(value, broadcast(x.scale[at]), sum[r]);
    }
  }

  // The order of TileProduct::step.
  template <int kSlot>
  OVERTAKE_INLINE void step(int64_t block, F32 (&sum)[kTileRows]) const {
    start<kSlot>(block + 2);
    store_wide_dot<1 - kSlot>(dots);
    add_scaled(block, dots + kSlot * 2 * kDots, sum);
  }
};

void multiply_wide_tiles(const IntegerPanel& panel, int64_t n_blocks, const IntegerRows& x,
                         float* sums) {
  alignas(64) int32_t dots[4 * kDots];
  const WideTileProduct product = {panel, x, dots};
  F32 sum[kTileRows];
  OVERTAKE_UNROLL
  for (int r = 0; r < kTileRows; ++r) sum[r] = load(sums + r * 16);
  product.start<0>(0);
  product.start<1>(1);
  store_wide_dot<0>(dots);
  for (int64_t i = 0; i < n_blocks; i += 2) {
    product.step<0>(i, sum);
    if (i + 1 < n_blocks) product.step<1>(i + 1, sum);
  }
  OVERTAKE_UNROLL
  for (int r = 0; r < kTileRows; ++r) store(sums + r * 16, sum[r]);
}
