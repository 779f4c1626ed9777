// Dots of codes with activations by AVX-VNNI's vpdpbusd. Included after matmul_bytes_avx2.inl.h.

constexpr int kByteZero = 0;

OVERTAKE_INLINE Bytes center_bytes(Bytes a) { return a; }

// As on AVX-512: rows take turns, so that no sum waits for itself.
template <int kBits, int kQuads, int kRows>
OVERTAKE_INLINE void add_dots(const Bytes* w, const int8_t* x, I32 (&dot)[kRows]) {
  OVERTAKE_UNROLL
  for (int q = 0; q < kQuads; ++q) {
    OVERTAKE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      int32_t quad;
      std::memcpy(&quad, x + r * kRowBlock + 4 * q, sizeof quad);
      dot[r].v = _mm256_dpbusd_avx_epi32(dot[r].v, w[q].v, _mm256_set1_epi32(quad));
    }
  }
}
