// Products of bf16 tiles on AMX's matrix unit, for prompts. Included inside an ISA region, after
// matmul_integer.inl.h and matmul_tiles_amx.inl.h.
//
// One instruction adds the products of 16 rows and 16 outputs over 32 of K to f32 sums, pair by
// pair along K. Sums start at zero and run along the whole of K in registers or, between slices of
// it, in memory: so a row's result is the same for any cut into slices and among any other rows.

// Registers, configured as begin_tiles has it: 0 to 3 hold sums [16 rows, 16 outputs], 4 and 5
// activations [16 rows, 32], 6 and 7 weights [16 pairs, 16 outputs, 2].
constexpr int kTileStride = 64;  // bytes of a row of any of these tiles

// Asks for some of what is needed later.
OVERTAKE_INLINE void fetch_ahead(const std::byte*& ahead, int64_t n_lines) {
  for (; n_lines > 0; --n_lines, ahead += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
  }
}

// kRows blocks of 16 rows times kTiles tiles of 16 outputs.
template <int kRows, int kTiles>
void multiply_bf16(const Bf16Product& p) {
  static_assert(kRows == 1 || kTiles == 1);
  float* sums = p.sums;
  if (p.first_slice) {
    _tile_zero(0);
    _tile_zero(1);
  } else {
    _tile_loadd(0, sums, kTileStride);
    if constexpr (kRows * kTiles > 1) _tile_loadd(1, sums + kBf16Sums, kTileStride);
  }
  const uint16_t* x = p.x;
  const uint16_t* w = p.w;
  const std::byte* ahead = p.ahead;
  for (int64_t i = p.n_blocks; i > 0; --i, x += kBf16Tile, w += kTiles * kBf16Tile) {
    _tile_loadd(4, x, kTileStride);
    _tile_loadd(6, w, kTileStride);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kTiles > 1) {
      _tile_loadd(7, w + kBf16Tile, kTileStride);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kRows > 1) {
      _tile_loadd(5, x + p.n_blocks * kBf16Tile, kTileStride);
      _tile_dpbf16ps(1, 5, 6);
    }
    fetch_ahead(ahead, p.lines_ahead);
  }
  _tile_stored(0, sums, kTileStride);
  if constexpr (kRows * kTiles > 1) _tile_stored(1, sums + kBf16Sums, kTileStride);
}

// Two blocks of rows times two tiles, as many as the registers hold, so that two loads serve each
// product; one pair of row blocks after another. A sum is stored and the next pair's loaded just
// before its first product: all four at once would let the unit wait for them, which costs a tenth.
// Activations come from L2 and are not kept nearer: L1 is for the weights that meet all rows.
void multiply_bf16_pairs(const Bf16Product& p) {
  const uint16_t* x0 = p.x;
  const int64_t block_step = p.n_blocks * kBf16Tile;
  const uint16_t* x1 = x0 + block_step;
  const uint16_t* w = p.w;
  const std::byte* ahead = p.ahead;
  float* sums = p.sums;
  if (p.first_slice) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, sums, kTileStride);
    _tile_loadd(1, sums + kBf16Sums, kTileStride);
    _tile_loadd(2, sums + 2 * kBf16Sums, kTileStride);
    _tile_loadd(3, sums + 3 * kBf16Sums, kTileStride);
  }
  for (int64_t pair = 0;;) {
    for (int64_t i = pair == 0 ? 0 : 1; i < p.n_blocks; ++i) {
      _tile_stream_loadd(4, x0, kTileStride);
      _tile_loadd(6, w, kTileStride);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, w + kBf16Tile, kTileStride);
      _tile_dpbf16ps(1, 4, 7);
      _tile_stream_loadd(5, x1, kTileStride);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      fetch_ahead(ahead, p.lines_ahead);
      x0 += kBf16Tile;
      x1 += kBf16Tile;
      w += 2 * kBf16Tile;
    }
    if (++pair == p.n_pairs) break;
    float* next = sums + 4 * kBf16Sums;
    x0 = x1;
    x1 += block_step;
    w = p.w;
    _tile_stored(0, sums, kTileStride);
    if (p.first_slice)
      _tile_zero(0);
    else
      _tile_loadd(0, next, kTileStride);
    _tile_stream_loadd(4, x0, kTileStride);
    _tile_loadd(6, w, kTileStride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_stored(1, sums + kBf16Sums, kTileStride);
    if (p.first_slice)
      _tile_zero(1);
    else
      _tile_loadd(1, next + kBf16Sums, kTileStride);
    _tile_loadd(7, w + kBf16Tile, kTileStride);
    _tile_dpbf16ps(1, 4, 7);
    _tile_stored(2, sums + 2 * kBf16Sums, kTileStride);
    if (p.first_slice)
      _tile_zero(2);
    else
      _tile_loadd(2, next + 2 * kBf16Sums, kTileStride);
    _tile_stream_loadd(5, x1, kTileStride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_stored(3, sums + 3 * kBf16Sums, kTileStride);
    if (p.first_slice)
      _tile_zero(3);
    else
      _tile_loadd(3, next + 3 * kBf16Sums, kTileStride);
    _tile_dpbf16ps(3, 5, 7);
    fetch_ahead(ahead, p.lines_ahead);
    x0 += kBf16Tile;
    x1 += kBf16Tile;
    w += 2 * kBf16Tile;
    sums = next;
  }
  _tile_stored(0, sums, kTileStride);
  _tile_stored(1, sums + kBf16Sums, kTileStride);
  _tile_stored(2, sums + 2 * kBf16Sums, kTileStride);
  _tile_stored(3, sums + 3 * kBf16Sums, kTileStride);
}

// 32 numbers of each of n_rows <= 16 rows as a tile; rows past the last are zero.
void pack_bf16_rows(const float* x, int64_t stride, int64_t n_rows, uint16_t* tile) {
  for (int64_t r = 0; r < n_rows; ++r, x += stride, tile += kBlockK) {
    const __m512bh pair = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x));
    std::memcpy(tile, &pair, sizeof pair);
  }
  std::fill_n(tile, (kBf16Rows - n_rows) * kBlockK, uint16_t{0});
}

void pack_bf16_half(const float* x, uint16_t* tile) {
  for (int r = 0; r < kBf16Rows; ++r, x += 16, tile += kBlockK) {
    const __m256bh row = _mm512_cvtneps_pbh(_mm512_loadu_ps(x));
    std::memcpy(tile, &row, sizeof row);
  }
}

// The truth table of (a & b) | c.
constexpr int kMaskedOr = 0xea;

// Bits of f32 numbers rounded to the nearest bf16 in the upper half; the lower half is noise.
// Ties go away from zero. NaN stays NaN if its lower half is zero, which unpack_bf16 sees to.
OVERTAKE_INLINE __m512i round_to_bf16(F32 a) {
  return _mm512_add_epi32(_mm512_castps_si512(a.v), _mm512_set1_epi32(0x8000));
}
// Lane by lane: `low` in the lower half, `high` in the upper.
OVERTAKE_INLINE __m512i join_bf16(F32 low, F32 high) {
  const __m512i mask = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  return _mm512_ternarylogic_epi32(round_to_bf16(high), mask,
                                   _mm512_srli_epi32(round_to_bf16(low), 16), kMaskedOr);
}
// The default NaN where `a` is NaN.
OVERTAKE_INLINE F32 plain_nan(F32 a) {
  const __mmask16 is_nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  return {_mm512_mask_blend_ps(is_nan, a.v, _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)))};
}

// Element kByte of each quad of codes, as 1 + code / 256: the code stands in the mantissa.
template <int kByte>
OVERTAKE_INLINE F32 code_fraction(Bytes codes) {
  constexpr int kLeft = 15 - 8 * kByte;
  __m512i v = codes.v;
  if constexpr (kLeft > 0) v = _mm512_slli_epi32(v, kLeft);
  if constexpr (kLeft < 0) v = _mm512_srli_epi32(v, -kLeft);
  const __m512i one = _mm512_set1_epi32(0x3f800000);
  const __m512i mask = _mm512_set1_epi32(0xff << 15);
  return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(v, mask, one, kMaskedOr))};
}

// scale * (code - zero) - min, as bf16, of n_blocks blocks of a tile: [16 pairs, 16 outputs, 2] to
// every `step`-th number of `out`. In one fma: 256 scale * (1 + code / 256) - 256 scale - ...,
// whose rounding errs by 2^-16 of the scale, far below that of bf16.
template <KernelForm kForm>
void unpack_bf16(const uint8_t* units, int64_t n_blocks, const Bf16Unpacking& how, uint16_t* out) {
  constexpr int kGroups = kBlockK / kForm.group;
  const F32 unit = broadcast(256.0f * how.unit);
  const F32 offset = broadcast(-(256.0f + static_cast<float>(how.zero)) * how.unit);
  for_each_block<kForm>(units, n_blocks, JumpAhead{how.next_tile},
                        [&](const Block<kForm>& block) OVERTAKE_INLINE_LAMBDA {
                          OVERTAKE_UNROLL
                          for (int g = 0; g < kGroups; ++g) {
                            const F32 group_scale = plain_nan(block.scale[g]);
                            const F32 scale = group_scale * unit;
                            F32 rest = group_scale * offset;
                            if constexpr (kForm.has_min) {
                              rest = fma(block.min[g], broadcast(-how.unit),
                                         group_scale * broadcast(-256.0f * how.unit));
                              rest = plain_nan(rest);
                            }
                            OVERTAKE_UNROLL
                            for (int q = 8 / kGroups * g; q < 8 / kGroups * (g + 1); ++q) {
                              const Bytes codes = block.codes[q];
                              const F32 w0 = fma(code_fraction<0>(codes), scale, rest);
                              const F32 w1 = fma(code_fraction<1>(codes), scale, rest);
                              const F32 w2 = fma(code_fraction<2>(codes), scale, rest);
                              const F32 w3 = fma(code_fraction<3>(codes), scale, rest);
                              _mm512_store_si512(out + 2 * q * kBlockK, join_bf16(w0, w1));
                              _mm512_store_si512(out + (2 * q + 1) * kBlockK, join_bf16(w2, w3));
                            }
                          }
                          out += how.step;
                        });
}

// As unpack_bf16, of a tile of bf16 weights [k, 16 outputs]: pairs along K put side by side.
void join_bf16_tile(const uint8_t* tile, int64_t n_blocks, const Bf16Unpacking& how,
                    uint16_t* out) {
  const auto load_row = [&](int64_t k) OVERTAKE_INLINE_LAMBDA {
    return _mm512_cvtepu16_epi32(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile + k * 2 * F32::kLanes)));
  };
  for (int64_t i = 0; i < n_blocks; ++i, out += how.step, tile += kBlockK * 2 * F32::kLanes) {
    for (int pair = 0; pair < kBlockK / 2; ++pair) {
      const __m512i high = _mm512_slli_epi32(load_row(2 * pair + 1), 16);
      _mm512_store_si512(out + pair * kBlockK, _mm512_or_si512(load_row(2 * pair), high));
    }
  }
}

template <KernelForm kForm>
constexpr Bf16Form make_bf16_form() {
  return {kForm, FloatForm::kNone, unpack_bf16<kForm>};
}
