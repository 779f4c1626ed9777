// Vectors of codes and of 32-bit sums on AVX-512 with VNNI. Included after simd_avx512.inl.h.

constexpr int kVectorBytes = 64;
constexpr int kByteZero = 0;

struct Bytes {
  __m512i v;
};
struct I32 {
  __m512i v;
};

OVERTAKE_INLINE Bytes load_bytes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
OVERTAKE_INLINE void store_bytes(uint8_t* p, Bytes a) { _mm512_storeu_si512(p, a.v); }
OVERTAKE_INLINE Bytes operator|(Bytes a, Bytes b) { return {_mm512_or_si512(a.v, b.v)}; }
// Each byte shifted right by kRight (left if negative), of which only the bits of kMask are kept.
template <int kRight, uint8_t kMask>
OVERTAKE_INLINE Bytes shift_and_mask(Bytes a) {
  __m512i v = a.v;
  if constexpr (kRight > 0) v = _mm512_srli_epi16(v, kRight);
  if constexpr (kRight < 0) v = _mm512_slli_epi16(v, -kRight);
  if constexpr (kMask != 0xff) v = _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(kMask)));
  return {v};
}
OVERTAKE_INLINE Bytes center_bytes(Bytes a) { return a; }
// table[code] of each byte, whose codes are below 16.
OVERTAKE_INLINE Bytes look_up(const Levels& table, Bytes codes) {
  const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(levels), codes.v)};
}

OVERTAKE_INLINE I32 broadcast_i32(int32_t x) { return {_mm512_set1_epi32(x)}; }
template <int kBits>
OVERTAKE_INLINE I32 shift_left(I32 a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
OVERTAKE_INLINE I32 operator+(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
OVERTAKE_INLINE F32 to_f32(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }
// (dot - kDotBias) * scale, where offset = -kDotBiasFloat * scale.
OVERTAKE_INLINE F32 scaled_dot(I32 dot, F32 scale, F32 offset) {
  return fma(F32{_mm512_castsi512_ps(dot.v)}, scale, offset);
}
OVERTAKE_INLINE F32 load_i8(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(
      _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
OVERTAKE_INLINE F32 load_u8(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(
      _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}

// dot[r] += the products of kQuads vectors of codes with 4 kQuads activations of row r, for all
// rows. The rows take turns: sums that wait for themselves would fill the scheduler.
template <int kBits, int kQuads, int kRows>
OVERTAKE_INLINE void add_dots(const Bytes* w, const int8_t* x, I32 (&dot)[kRows]) {
  OVERTAKE_UNROLL
  for (int q = 0; q < kQuads; ++q) {
    OVERTAKE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      int32_t quad;
      std::memcpy(&quad, x + r * kRowBlock + 4 * q, sizeof quad);
      dot[r].v = _mm512_dpbusd_epi32(dot[r].v, w[q].v, _mm512_set1_epi32(quad));
    }
  }
}

// The largest |x| of 32, or NaN if one is NaN: as integers the bits of magnitudes are in order.
OVERTAKE_INLINE float abs_max_32(const float* x) {
  const __m512i mask = _mm512_set1_epi32(INT32_MAX);
  const __m512i a = _mm512_and_si512(_mm512_loadu_si512(x), mask);
  const __m512i b = _mm512_and_si512(_mm512_loadu_si512(x + 16), mask);
  const int32_t bits = _mm512_reduce_max_epi32(_mm512_max_epi32(a, b));
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
// Whole numbers in [-127, 127] as bytes.
OVERTAKE_INLINE void store_i8(int8_t* p, F32 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(a.v)));
}
OVERTAKE_INLINE int32_t sum_16(const int8_t* p) {
  const __m128i biased =
      _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-128));
  const __m128i sums = _mm_sad_epu8(biased, _mm_setzero_si128());
  return _mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) - 16 * 128;
}
