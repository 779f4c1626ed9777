// F32 on AVX2 with FMA and F16C: 8 lanes in a ymm register. Included inside an ISA region and its
// namespace; see simd_avx512.inl.h for what each function means.

struct F32 {
  static constexpr int kLanes = 8;
  __m256 v;
};

constexpr int kTileRegisters = 12;

OVERTAKE_INLINE __m256i first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

OVERTAKE_INLINE F32 zero() { return {_mm256_setzero_ps()}; }
OVERTAKE_INLINE F32 broadcast(float x) { return {_mm256_set1_ps(x)}; }
OVERTAKE_INLINE F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
OVERTAKE_INLINE void store(float* p, F32 a) { _mm256_storeu_ps(p, a.v); }
OVERTAKE_INLINE F32 load_part(const float* p, int64_t n) {
  return {_mm256_maskload_ps(p, first_lanes(n))};
}
OVERTAKE_INLINE void store_part(float* p, F32 a, int64_t n) {
  _mm256_maskstore_ps(p, first_lanes(n), a.v);
}

OVERTAKE_INLINE F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
OVERTAKE_INLINE F32 max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 min(F32 a, F32 b) { return {_mm256_min_ps(a.v, b.v)}; }
OVERTAKE_INLINE F32 abs(F32 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
OVERTAKE_INLINE F32 copy_sign(F32 magnitude, F32 sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_and_ps(bit, sign.v), _mm256_andnot_ps(bit, magnitude.v))};
}
OVERTAKE_INLINE F32 round_nearest(F32 a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
OVERTAKE_INLINE F32 select_bits(uint32_t bits, F32 yes, F32 no) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane);
  const __m256i mask = _mm256_cmpeq_epi32(set, lane);
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_castsi256_ps(mask))};
}
OVERTAKE_INLINE F32 select_less(F32 a, F32 b, F32 yes, F32 no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}
OVERTAKE_INLINE F32 keep_first(F32 a, int64_t n) {
  return {_mm256_and_ps(_mm256_castsi256_ps(first_lanes(n)), a.v)};
}
// In two factors, as 2^128 is not a number.
OVERTAKE_INLINE F32 scale_by_power(F32 a, F32 n) {
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i low = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i high = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return {_mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(low)), _mm256_castsi256_ps(high))};
}

OVERTAKE_INLINE float reduce_add(F32 a) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_shuffle_ps(sum, sum, 1)));
}
OVERTAKE_INLINE float reduce_max(F32 a) {
  __m128 top = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  top = _mm_max_ps(top, _mm_movehl_ps(top, top));
  return _mm_cvtss_f32(_mm_max_ss(top, _mm_shuffle_ps(top, top, 1)));
}

OVERTAKE_INLINE F32 load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
OVERTAKE_INLINE __m128i load_halves(const uint16_t* p, int64_t n) {
  alignas(16) uint16_t part[8] = {};
  std::memcpy(part, p, static_cast<size_t>(n) * sizeof *p);
  return _mm_load_si128(reinterpret_cast<const __m128i*>(part));
}
OVERTAKE_INLINE F32 load_f16_part(const uint16_t* p, int64_t n) {
  return {_mm256_cvtph_ps(load_halves(p, n))};
}
OVERTAKE_INLINE void store_f16(uint16_t* p, F32 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
OVERTAKE_INLINE F32 load_i8(const int8_t* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))};
}
struct PairSum {
  __m256i v;
};
struct Pairs {
  __m256i v;
};
OVERTAKE_INLINE PairSum zero_pair_sum() { return {_mm256_setzero_si256()}; }
OVERTAKE_INLINE Pairs load_pairs(const int8_t* p) {
  return {_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
OVERTAKE_INLINE Pairs broadcast_pair(const int16_t* p) {
  int32_t pair;
  std::memcpy(&pair, p, sizeof pair);
  return {_mm256_set1_epi32(pair)};
}
OVERTAKE_INLINE PairSum add_dots(PairSum sum, Pairs a, Pairs b) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(a.v, b.v))};
}
OVERTAKE_INLINE F32 to_f32(PairSum a) { return {_mm256_cvtepi32_ps(a.v)}; }
OVERTAKE_INLINE F32 widen_bf16(__m128i half) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16))};
}
OVERTAKE_INLINE F32 load_bf16(const uint16_t* p) {
  return widen_bf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
OVERTAKE_INLINE F32 load_bf16_part(const uint16_t* p, int64_t n) {
  return widen_bf16(load_halves(p, n));
}
