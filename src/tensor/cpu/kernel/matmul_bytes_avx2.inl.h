// Vectors of codes and of 32-bit sums on AVX2. Included after simd_avx2.inl.h and before
// dots_<avx2 or avxvnni>.inl.h.

constexpr int kVectorBytes = 32;

struct Bytes {
  __m256i v;
};
struct I32 {
  __m256i v;
};

OVERTAKE_INLINE Bytes load_bytes(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
}
OVERTAKE_INLINE void store_bytes(uint8_t* p, Bytes a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
OVERTAKE_INLINE Bytes operator|(Bytes a, Bytes b) { return {_mm256_or_si256(a.v, b.v)}; }
template <int kRight, uint8_t kMask>
OVERTAKE_INLINE Bytes shift_and_mask(Bytes a) {
  __m256i v = a.v;
  if constexpr (kRight > 0) v = _mm256_srli_epi16(v, kRight);
  if constexpr (kRight < 0) v = _mm256_slli_epi16(v, -kRight);
  if constexpr (kMask != 0xff) v = _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(kMask)));
  return {v};
}
// table[code] of each byte, whose codes are below 16.
OVERTAKE_INLINE Bytes look_up(const Levels& table, Bytes codes) {
  const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
  return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(levels), codes.v)};
}

OVERTAKE_INLINE I32 broadcast_i32(int32_t x) { return {_mm256_set1_epi32(x)}; }
template <int kBits>
OVERTAKE_INLINE I32 shift_left(I32 a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
OVERTAKE_INLINE I32 operator+(I32 a, I32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
OVERTAKE_INLINE F32 to_f32(I32 a) { return {_mm256_cvtepi32_ps(a.v)}; }
// (dot - kDotBias) * scale, where offset = -kDotBiasFloat * scale.
OVERTAKE_INLINE F32 scaled_dot(I32 dot, F32 scale, F32 offset) {
  return fma(F32{_mm256_castsi256_ps(dot.v)}, scale, offset);
}
OVERTAKE_INLINE F32 load_i8(const uint8_t* p) {
  return {_mm256_cvtepi32_ps(
      _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
OVERTAKE_INLINE F32 load_u8(const uint8_t* p) {
  return {_mm256_cvtepi32_ps(
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}

OVERTAKE_INLINE float abs_max_32(const float* x) {
  const __m256i mask = _mm256_set1_epi32(INT32_MAX);
  const auto magnitude = [&](int i) OVERTAKE_INLINE_LAMBDA {
    return _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + 8 * i)), mask);
  };
  const __m256i all = _mm256_max_epi32(_mm256_max_epi32(magnitude(0), magnitude(1)),
                                       _mm256_max_epi32(magnitude(2), magnitude(3)));
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
  const int32_t bits = _mm_cvtsi128_si32(m);
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
OVERTAKE_INLINE void store_i8(int8_t* p, F32 a) {
  const __m256i whole = _mm256_cvtps_epi32(a.v);
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}
OVERTAKE_INLINE int32_t sum_16(const int8_t* p) {
  const __m128i biased =
      _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-128));
  const __m128i sums = _mm_sad_epu8(biased, _mm_setzero_si128());
  return _mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) - 16 * 128;
}
