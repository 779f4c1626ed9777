// Dots of codes with activations by vpmaddubsw. Included after matmul_bytes_avx2.inl.h.

constexpr int kByteZero = 128;

// code - 128: maddubs would overflow with codes of 8 bits, so they become signed numbers.
OVERTAKE_INLINE Bytes center_bytes(Bytes a) {
  return {_mm256_xor_si256(a.v, _mm256_set1_epi8(-128))};
}

// Pairs of products that a 16-bit sum holds: activations are within 127, codes below 2^bits (8
// bits: within 128), so a pair is at most 2 * 127 * code and 32767 must not be passed.
constexpr int pairs_in_16_bits(int bits) {
  return bits == 8 ? 1 : 32767 / (2 * 127 * ((1 << bits) - 1));
}

template <int kBits, int kQuads>
OVERTAKE_INLINE I32 add_row_dot(I32 sum, const Bytes* w, const int8_t* x) {
  constexpr int kFit = pairs_in_16_bits(kBits);
  constexpr int kPairs = kFit < kQuads ? kFit : kQuads;
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i pairs = _mm256_setzero_si256();
  OVERTAKE_UNROLL
  for (int q = 0; q < kQuads; ++q) {
    int32_t quad;
    std::memcpy(&quad, x + 4 * q, sizeof quad);
    const __m256i act = _mm256_set1_epi32(quad);
    const __m256i product =
        kBits == 8 ? _mm256_maddubs_epi16(_mm256_abs_epi8(w[q].v), _mm256_sign_epi8(act, w[q].v))
                   : _mm256_maddubs_epi16(w[q].v, act);
    pairs = q % kPairs == 0 ? product : _mm256_add_epi16(pairs, product);
    if (q % kPairs == kPairs - 1 || q == kQuads - 1) {
      sum.v = _mm256_add_epi32(sum.v, _mm256_madd_epi16(pairs, ones));
    }
  }
  return sum;
}
template <int kBits, int kQuads, int kRows>
OVERTAKE_INLINE void add_dots(const Bytes* w, const int8_t* x, I32 (&dot)[kRows]) {
  OVERTAKE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    dot[r] = add_row_dot<kBits, kQuads>(dot[r], w, x + r * kRowBlock);
  }
}
