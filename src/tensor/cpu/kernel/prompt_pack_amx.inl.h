// Queries, keys and values as bf16 in the layout of AMX's tiles. Included inside an ISA region and
// its namespace.

constexpr int kTileSize = 512;  // uint16_t: 16 rows of 32
constexpr int kStepDepth = 32;  // of one product

OVERTAKE_INLINE __m512i low_halves(__m512 a) { return _mm512_srli_epi32(_mm512_castps_si512(a), 16); }

// A float cut after bf16's 8 bits. What is left of an f16 number fits bf16 too.
OVERTAKE_INLINE __m512 cut_to_bf16(__m512 a) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(static_cast<int>(0xffff0000))));
}

// Lane i: the upper halves of even[i] and odd[i], in this order.
OVERTAKE_INLINE __m512i interleave_cut(__m512 even, __m512 odd) {
  // even >> 16 | (odd & 0xffff0000)
  return _mm512_ternarylogic_epi32(low_halves(even), _mm512_castps_si512(odd),
                                   _mm512_set1_epi32(static_cast<int>(0xffff0000)), 0xf8);
}

// The same, rounded to nearest.
OVERTAKE_INLINE __m512i interleave_rounded(__m512 even, __m512 odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                         23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
  return _mm512_permutexvar_epi16(order, both);
}

inline void pack_query(const float* query, const PromptShape& shape, int row, uint16_t* panel) {
  const int steps = shape.depth() / kStepDepth;
  panel += (row / 16 * steps * kScoreTerms) * kTileSize + row % 16 * kStepDepth;
  for (int step = 0; step < steps; ++step) {
    const int left = shape.head_dim - step * kStepDepth;
    __m512 part[2];
    for (int h = 0; h < 2; ++h) {
      const int n = left - h * 16 < 0 ? 0 : left - h * 16 < 16 ? left - h * 16 : 16;
      part[h] = load_part(query + step * kStepDepth + h * 16, n).v;
    }
    uint16_t* to = panel + step * kScoreTerms * kTileSize;
    for (int term = 0; term < kScoreTerms; ++term) {
      const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(part[1], part[0]));
      _mm512_storeu_si512(to + term * kTileSize, both);
      for (int h = 0; h < 2; ++h) {
        const __m256i half = h ? _mm512_extracti64x4_epi64(both, 1) : _mm512_castsi512_si256(both);
        const __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
        part[h] = _mm512_sub_ps(part[h], _mm512_castsi512_ps(wide));
      }
    }
  }
}

// [head_dim, 32 tokens] to two tiles' panels [steps, terms][16 pairs of depth, 16 tokens, 2].
inline void pack_keys(const uint16_t* page, const PromptShape& shape, uint16_t* to) {
  const int steps = shape.depth() / kStepDepth;
  for (int half = 0; half < 2; ++half) {
    for (int d = 0; d < shape.depth(); d += 2) {
      const uint16_t* from = page + d * kPageTokens + half * 16;
      __m512 even = d < shape.head_dim ? load_f16(from).v : _mm512_setzero_ps();
      __m512 odd = d + 1 < shape.head_dim ? load_f16(from + kPageTokens).v : _mm512_setzero_ps();
      uint16_t* row = to + ((half * steps + d / kStepDepth) * kScoreTerms) * kTileSize +
                      d % kStepDepth / 2 * 32;
      if constexpr (kScoreTerms == 1) {
        _mm512_storeu_si512(row, interleave_rounded(even, odd));
      } else {
        _mm512_storeu_si512(row, interleave_cut(even, odd));
        even = _mm512_sub_ps(even, cut_to_bf16(even));
        odd = _mm512_sub_ps(odd, cut_to_bf16(odd));
        _mm512_storeu_si512(row + kTileSize, interleave_cut(even, odd));
      }
    }
  }
}

// [32 tokens, head_dim] to panels [width / 16][4 pages][16 pairs of tokens, 16 outputs, 2]. Returns
// the tokens whose value holds a NaN, as bits.
inline uint32_t pack_values(const uint16_t* page, int n_tokens, const PromptShape& shape,
                            uint16_t* to) {
  uint32_t bad = 0;
  for (int t = 0; t < kPageTokens; t += 2) {
    const uint16_t* from = page + t * shape.head_dim;
    for (int d = 0; d < shape.width(); d += 16) {
      const int left = shape.head_dim - d;
      const int n = left < 0 ? 0 : left < 16 ? left : 16;
      __m512 even = load_f16_part(from + d, t < n_tokens ? n : 0).v;
      __m512 odd = load_f16_part(from + shape.head_dim + d, t + 1 < n_tokens ? n : 0).v;
      const __mmask16 even_bad = _mm512_cmp_ps_mask(even, even, _CMP_UNORD_Q);
      const __mmask16 odd_bad = _mm512_cmp_ps_mask(odd, odd, _CMP_UNORD_Q);
      if (__builtin_expect(_kortestz_mask16_u8(even_bad, odd_bad) == 0, false)) {
        bad |= (even_bad ? 1u : 0u) << t | (odd_bad ? 2u : 0u) << t;
        even = _mm512_mask_mov_ps(even, even_bad, _mm512_setzero_ps());
        odd = _mm512_mask_mov_ps(odd, odd_bad, _mm512_setzero_ps());
      }
      _mm512_storeu_si512(to + d / 16 * (kKeyBlock / kPageTokens) * kTileSize + t / 2 * 32,
                          interleave_rounded(even, odd));
    }
  }
  return bad;
}

inline void pack_page(const PagePart& page, int n_tokens, const PromptShape& shape, int index,
                      PromptKeys& into) {
  const int steps = shape.depth() / kStepDepth;
  pack_keys(reinterpret_cast<const uint16_t*>(page.keys), shape,
            into.keys + int64_t{index} * 2 * steps * kScoreTerms * kTileSize);
  const uint64_t bad = pack_values(reinterpret_cast<const uint16_t*>(page.values), n_tokens, shape,
                                   into.values + int64_t{index} * kTileSize);
  const int shift = index % 2 * kPageTokens;
  uint64_t& word = into.bad[index / 2];
  word = (word & ~(uint64_t{0xffffffff} << shift)) | bad << shift;
}
