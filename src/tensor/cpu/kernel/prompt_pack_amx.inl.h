// Queries, keys and values as bf16 in the layout of AMX's tiles. Included inside an ISA region and
// its namespace.

constexpr int kTileSize = 512;  // uint16_t: 16 rows of 32
constexpr int kStepDepth = 32;  // of one product

// Lane i: even[i] and odd[i], in this order, as bf16.
OVERTAKE_INLINE __m512i interleave(__m512 even, __m512 odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
  return _mm512_permutexvar_epi16(order, both);
}

inline void pack_query(const float* query, const PromptShape& shape, int row, uint16_t* panel) {
  for (int d = 0; d < shape.depth(); d += kStepDepth) {
    const int left = shape.head_dim - d;
    const __m512 low = load_part(query + d, left < 16 ? left : 16).v;
    const __m512 high = load_part(query + d + 16, left < 16 ? 0 : left < 32 ? left - 16 : 16).v;
    _mm512_storeu_si512(panel + d / kStepDepth * kTileSize + row * kStepDepth,
                        reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
  }
}

// [head_dim, 32 tokens] to two tiles' panels [depth / 32][16 pairs of depth, 16 tokens, 2].
inline void pack_keys(const uint16_t* page, const PromptShape& shape, uint16_t* to) {
  const __m512 zeros = _mm512_setzero_ps();
  for (int d = 0; d < shape.depth(); d += 2) {
    const uint16_t* even = page + d * kPageTokens;
    const uint16_t* odd = even + kPageTokens;
    uint16_t* row = to + d / 2 * 32;
    for (int half = 0; half < 2; ++half) {
      const __m512 a = d < shape.head_dim ? load_f16(even + half * 16).v : zeros;
      const __m512 b = d + 1 < shape.head_dim ? load_f16(odd + half * 16).v : zeros;
      _mm512_storeu_si512(row + half * shape.depth() * 16, interleave(a, b));
    }
  }
}

// The same of 8-bit keys, whose pairs of depth are neighbours already.
inline void pack_q8_keys(const std::byte* page, const PromptShape& shape, uint16_t* to) {
  const Q8Head head = {shape.head_dim};
  const int8_t* numbers = reinterpret_cast<const int8_t*>(page);
  const uint16_t* scales = reinterpret_cast<const uint16_t*>(page + head.number_bytes());
  const __m512i low = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  for (int half = 0; half < 2; ++half) {
    uint16_t* panel = to + half * shape.depth() * 16;
    for (int d = 0; d < shape.depth(); d += 2) {
      if (d >= head.width()) {
        _mm512_storeu_si512(panel + d / 2 * 32, _mm512_setzero_si512());
        continue;
      }
      const uint16_t* of_block = scales + d / Q8Head::kBlock * kPageTokens + half * 16;
      const __m512 scale = load_f16(of_block).v;
      const int8_t* from = numbers + (d / 2 * kPageTokens + half * 16) * 2;
      const __m512 a = _mm512_mul_ps(load_i8(from).v, _mm512_permutexvar_ps(low, scale));
      const __m512 b = _mm512_mul_ps(load_i8(from + 16).v, _mm512_permutexvar_ps(high, scale));
      _mm512_storeu_si512(panel + d / 2 * 32, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a)));
    }
  }
}

// Values of a page as they are kept: 16 columns of a token, and those of them that there are.
struct HalfValues {
  const uint16_t* values;  // [32 tokens, head_dim]
  int head_dim;

  OVERTAKE_INLINE __m512 whole(int token, int d) const {
    return load_f16(values + token * head_dim + d).v;
  }
  OVERTAKE_INLINE __m512 part(int token, int d) const {
    const int left = head_dim - d;
    return load_f16_part(values + token * head_dim + d, left < 16 ? left : 16).v;
  }
};

struct Q8Values {
  const int8_t* numbers;  // [32 tokens, width], zeros past head_dim
  const float* scales;    // [n_blocks, 32 tokens]
  int width;

  OVERTAKE_INLINE __m512 whole(int token, int d) const {
    const float scale = scales[d / Q8Head::kBlock * kPageTokens + token];
    return _mm512_mul_ps(load_i8(numbers + token * width + d).v, _mm512_set1_ps(scale));
  }
  OVERTAKE_INLINE __m512 part(int token, int d) const { return whole(token, d); }
};

template <typename Values>
struct ValuePage {
  Values values;
  int n_tokens;      // written; the others are zero
  uint32_t bad = 0;  // tokens whose value holds a NaN, which are zero too

  // Columns [d, d + 16) of a token.
  OVERTAKE_INLINE __m512 part(int token, int d, int head_dim) const {
    const bool there = token < n_tokens && (bad >> token & 1) == 0 && d < head_dim;
    return there ? values.part(token, d) : _mm512_setzero_ps();
  }
};

// To panels [width / 16][4 pages][16 pairs of tokens, 16 columns, 2]. False if there was a NaN.
template <typename Values>
inline bool pack_values(const ValuePage<Values>& page, const PromptShape& shape, uint16_t* to) {
  __m512 zeros = _mm512_setzero_ps();  // or NaN, once there was one
  const bool simple = page.n_tokens == kPageTokens && page.bad == 0 && shape.head_dim % 32 == 0;
  for (int d = 0; d < shape.width(); d += 16) {
    uint16_t* panel = to + d / 16 * (kKeyBlock / kPageTokens) * kTileSize;
    for (int t = 0; t < kPageTokens; t += 2) {
      const __m512 even = simple ? page.values.whole(t, d) : page.part(t, d, shape.head_dim);
      const __m512 odd = simple ? page.values.whole(t + 1, d) : page.part(t + 1, d, shape.head_dim);
      zeros = _mm512_fmadd_ps(_mm512_add_ps(even, odd), _mm512_setzero_ps(), zeros);
      _mm512_storeu_si512(panel + t * 16, interleave(even, odd));
    }
  }
  return _mm512_cmp_ps_mask(zeros, zeros, _CMP_UNORD_Q) == 0;
}

template <typename Values>
inline uint32_t find_bad(const ValuePage<Values>& page, int head_dim) {
  uint32_t bad = 0;
  for (int t = 0; t < page.n_tokens; ++t) {
    for (int d = 0; d < head_dim; d += 16) {
      const __m512 part = page.part(t, d, head_dim);
      if (_mm512_cmp_ps_mask(part, part, _CMP_UNORD_Q) != 0) bad |= 1u << t;
    }
  }
  return bad;
}

// Returns the tokens that were left out for a NaN.
template <typename Values>
inline uint32_t pack_clean_values(ValuePage<Values> page, const PromptShape& shape, uint16_t* to) {
  if (!pack_values(page, shape, to)) {
    page.bad = find_bad(page, shape.head_dim);
    pack_values(page, shape, to);
  }
  return page.bad;
}

inline uint32_t pack_q8_values(const std::byte* page, int n_tokens, const PromptShape& shape,
                               float* scales, uint16_t* to) {
  const Q8Head head = {shape.head_dim};
  const uint16_t* halves = reinterpret_cast<const uint16_t*>(page + head.number_bytes());
  for (int i = 0; i < head.n_blocks() * kPageTokens; i += 16) {
    store(scales + i, load_f16(halves + i));
  }
  const Q8Values values = {reinterpret_cast<const int8_t*>(page), scales, head.width()};
  return pack_clean_values<Q8Values>({values, n_tokens}, shape, to);
}

inline void pack_page(const PagePart& page, int n_tokens, const PromptShape& shape, int index,
                      PromptKeys& into) {
  uint16_t* keys = into.keys + int64_t{index} * kPageTokens * shape.depth();
  uint16_t* to = into.values + int64_t{index} * kTileSize;
  uint32_t bad = 0;
  if (shape.type == KvType::kQ8_0) {
    pack_q8_keys(page.keys, shape, keys);
    bad = pack_q8_values(page.values, n_tokens, shape, into.scales, to);
  } else {
    pack_keys(reinterpret_cast<const uint16_t*>(page.keys), shape, keys);
    const HalfValues values = {reinterpret_cast<const uint16_t*>(page.values), shape.head_dim};
    bad = pack_clean_values<HalfValues>({values, n_tokens}, shape, to);
  }
  const int shift = index % 2 * kPageTokens;
  uint64_t& word = into.bad[index / 2];
  word = (word & ~(uint64_t{0xffffffff} << shift)) | uint64_t{bad} << shift;
}
