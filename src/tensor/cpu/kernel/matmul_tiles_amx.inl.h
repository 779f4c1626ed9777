// Panels of 16 rows on AMX's matrix unit: one instruction multiplies 16 rows of activations by 16
// outputs over a group. It computes the same integers as the kernels of AVX-512, and what follows
// is the same operations in the same order, so the results have the same bits. Included after
// matmul_bytes_avx512.inl.h.

constexpr int kTileRows = 16;

// Registers 0 to 3 hold dots [16 rows, 16 outputs] of i32, 4 and 6 activations [16 rows, group] of
// i8, 5 and 7 codes [group / 4, 16 outputs, 4] of u8.
struct TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  explicit constexpr TileConfig(int group) {
    for (int i = 0; i < 8; ++i) {
      const bool activations = i == 4 || i == 6;
      const bool codes = i == 5 || i == 7;
      row_bytes[i] = static_cast<uint16_t>(activations ? group : 64);
      rows[i] = static_cast<uint8_t>(codes ? group / 4 : kTileRows);
    }
  }
};
static_assert(sizeof(TileConfig) == 64);

// The configuration is a constant in memory: g++ 12 believes that the instruction reads 8 bytes,
// and could leave out stores to the others.
template <int kGroup>
void begin_tiles() {
  alignas(64) static constexpr TileConfig kConfig(kGroup);
  __asm__ volatile("ldtilecfg %0" : : "m"(kConfig) : "memory");
}

void end_tiles() { _tile_release(); }

constexpr int kDotTiles = 4;  // dots in flight
constexpr int kDots = kTileRows * 16;

// The dots of kDotTiles groups from here on.
template <int kGroup>
OVERTAKE_INLINE void dot_tiles(const int8_t* x, int64_t x_step, const uint8_t* codes,
                               int32_t* dots) {
  constexpr int kGroups = kBlockK / kGroup;
  constexpr int kCodeBytes = kGroup * 16;
  const auto group = [&](int i) OVERTAKE_INLINE_LAMBDA {
    return x + i / kGroups * x_step + i % kGroups * kGroup;
  };
  _tile_zero(0);
  _tile_loadd(4, group(0), kBlockK);
  _tile_loadd(5, codes, 64);
  _tile_dpbsud(0, 4, 5);
  _tile_zero(1);
  _tile_loadd(6, group(1), kBlockK);
  _tile_loadd(7, codes + kCodeBytes, 64);
  _tile_dpbsud(1, 6, 7);
  _tile_zero(2);
  _tile_loadd(4, group(2), kBlockK);
  _tile_loadd(5, codes + 2 * kCodeBytes, 64);
  _tile_dpbsud(2, 4, 5);
  _tile_zero(3);
  _tile_loadd(6, group(3), kBlockK);
  _tile_loadd(7, codes + 3 * kCodeBytes, 64);
  _tile_dpbsud(3, 6, 7);
  _tile_stored(0, dots, 64);
  _tile_stored(1, dots + kDots, 64);
  _tile_stored(2, dots + 2 * kDots, 64);
  _tile_stored(3, dots + 3 * kDots, 64);
}

struct DotScales {
  const float* weight;      // [lanes]
  const float* min;         // [lanes]
  const float* x;           // [16 rows]
  const int32_t* zero_sum;  // [16 rows], kStep apart
  const float* min_sum;     // the same
};

template <bool kHasMin, int kStep>
OVERTAKE_INLINE void add_dots(const int32_t* dots, const DotScales& s, F32 (&sum)[kTileRows]) {
  const F32 scale = load(s.weight);
  const F32 offset = scale * broadcast(-kDotBiasFloat);
  F32 min = scale;
  if constexpr (kHasMin) min = load(s.min);
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
    const I32 start = broadcast_i32(kHasMin ? kDotBias : s.zero_sum[r * kStep]);
    const I32 dot = {_mm512_add_epi32(_mm512_load_si512(dots + r * 16), start.v)};
    sum[r] = fma(scaled_dot(dot, scale, offset), broadcast(s.x[r]), sum[r]);
    if constexpr (kHasMin) sum[r] = fma(min, broadcast(s.min_sum[r * kStep]), sum[r]);
  }
}

// As multiply_panel, of 16 rows in a panel of that height. While the matrix unit works on some
// groups, the vector unit scales the dots of those before.
template <int kGroup, bool kHasMin>
void multiply_tiles(const IntegerPanel& panel, int64_t n_blocks, const IntegerRows& x,
                    float* sums) {
  constexpr int kGroups = kBlockK / kGroup;
  alignas(64) int32_t dots[2][kDotTiles][kDots];
  F32 sum[kTileRows];
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) sum[r] = load(sums + r * 16);
  const int64_t n_groups = n_blocks * kGroups;
  const int64_t x_step = kTileRows * kBlockK;
  const auto start = [&](int64_t g) OVERTAKE_INLINE_LAMBDA {
    dot_tiles<kGroup>(x.codes + g / kGroups * x_step, x_step, panel.codes + g * kGroup * 16,
                      dots[g / kDotTiles % 2][0]);
  };
  start(0);
  for (int64_t g = 0; g < n_groups; g += kDotTiles) {
    if (g + kDotTiles < n_groups) start(g + kDotTiles);
    for (int64_t i = g; i < std::min(g + kDotTiles, n_groups); ++i) {
      const int64_t row0 = i / kGroups * kTileRows * kGroups + i % kGroups;
      const DotScales scales = {
          panel.scale + i * 16, panel.min + i * 16, x.scale + i / kGroups * kTileRows,
          kHasMin ? nullptr : x.zero_sum + row0, kHasMin ? x.min_sum + row0 : nullptr};
      add_dots<kHasMin, kGroups>(dots[g / kDotTiles % 2][i - g], scales, sum);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) store(sums + r * 16, sum[r]);
}
