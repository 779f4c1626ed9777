// F32 on AVX-512: 16 lanes in a zmm register. Included inside an ISA region and its namespace.

struct F32 {
  static constexpr int kLanes = 16;
  __m512 v;
};

// Registers that a tile's sums may fill, leaving room for its operands.
constexpr int kTileRegisters = 24;

OVERTAKE_INLINE __mmask16 first_lanes(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

OVERTAKE_INLINE F32 zero() { return {_mm512_setzero_ps()}; }
OVERTAKE_INLINE F32 broadcast(float x) { return {_mm512_set1_ps(x)}; }
OVERTAKE_INLINE F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
OVERTAKE_INLINE void store(float* p, F32 a) { _mm512_storeu_ps(p, a.v); }
// The first n lanes, 0 <= n <= kLanes; the others read as zero and are not written.
OVERTAKE_INLINE F32 load_part(const float* p, int64_t n) {
  return {_mm512_maskz_loadu_ps(first_lanes(n), p)};
}
OVERTAKE_INLINE void store_part(float* p, F32 a, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), a.v);
}

OVERTAKE_INLINE F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// Where a lane of `a` is NaN the result is b's, as in maxps.
OVERTAKE_INLINE F32 max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 min(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 abs(F32 a) { return {_mm512_abs_ps(a.v)}; }
// |magnitude| with the sign of `sign`.
OVERTAKE_INLINE F32 copy_sign(F32 magnitude, F32 sign) {
  return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32(INT32_MIN),
                                                        _mm512_castps_si512(sign.v),
                                                        _mm512_castps_si512(magnitude.v), 0xca))};
}
OVERTAKE_INLINE F32 round_nearest(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// Lane i of `yes` where bit i of `bits` is set, else of `no`.
OVERTAKE_INLINE F32 select_bits(uint32_t bits, F32 yes, F32 no) {
  return {_mm512_mask_blend_ps(static_cast<__mmask16>(bits), no.v, yes.v)};
}
// a < b ? yes : no, lane by lane.
OVERTAKE_INLINE F32 select_less(F32 a, F32 b, F32 yes, F32 no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}
// The first n lanes of a, the others zero.
OVERTAKE_INLINE F32 keep_first(F32 a, int64_t n) {
  return {_mm512_maskz_mov_ps(first_lanes(n), a.v)};
}
// a * 2^n for whole n, -126 <= n <= 128.
OVERTAKE_INLINE F32 scale_by_power(F32 a, F32 n) { return {_mm512_scalef_ps(a.v, n.v)}; }

OVERTAKE_INLINE float reduce_add(F32 a) { return _mm512_reduce_add_ps(a.v); }
OVERTAKE_INLINE float reduce_max(F32 a) { return _mm512_reduce_max_ps(a.v); }

OVERTAKE_INLINE F32 load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
OVERTAKE_INLINE F32 load_f16_part(const uint16_t* p, int64_t n) {
  return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p))};
}
OVERTAKE_INLINE void store_f16(uint16_t* p, F32 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
OVERTAKE_INLINE F32 load_i8(const int8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
}
// kLanes sums of products of pairs of whole numbers.
struct PairSum {
  __m512i v;
};
struct Pairs {
  __m512i v;  // int16
};
OVERTAKE_INLINE PairSum zero_pair_sum() { return {_mm512_setzero_si512()}; }
OVERTAKE_INLINE Pairs load_pairs(const int8_t* p) {
  return {_mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
OVERTAKE_INLINE Pairs broadcast_pair(const int16_t* p) {
  int32_t pair;
  std::memcpy(&pair, p, sizeof pair);
  return {_mm512_set1_epi32(pair)};
}
OVERTAKE_INLINE PairSum add_dots(PairSum sum, Pairs a, Pairs b) {
  return {_mm512_dpwssd_epi32(sum.v, a.v, b.v)};
}
OVERTAKE_INLINE F32 to_f32(PairSum a) { return {_mm512_cvtepi32_ps(a.v)}; }
OVERTAKE_INLINE F32 load_bf16(const uint16_t* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
}
OVERTAKE_INLINE F32 load_bf16_part(const uint16_t* p, int64_t n) {
  const __m256i half = _mm256_maskz_loadu_epi16(first_lanes(n), p);
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
}
