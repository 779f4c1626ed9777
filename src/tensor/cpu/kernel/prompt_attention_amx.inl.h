// Attention of 32 queries over 128 keys: scores on AMX, softmax on AVX-512, weighted values on AMX.
// Included after prompt_pack_amx.inl.h and the tiles' configuration.

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr int kBlockPages = kKeyBlock / kPageTokens;
constexpr int kScoreTile = 256;  // floats: 16 queries x 16 keys
// Scores, in bits (logarithms to base 2), may exceed what they are taken against by so much before
// that is raised: sums are then multiplied only where it matters.
constexpr float kSlack = 8.0f;

// The compiler does not know what memory tiles read and write.
OVERTAKE_INLINE void tile_barrier() { __asm__ volatile("" ::: "memory"); }

// Tiles 0 to 3: sums of (queries 0, 1) x (columns 0, 1); 4, 5: rows; 6, 7: columns.
OVERTAKE_INLINE void load_rows(const uint16_t* first, const uint16_t* second) {
  _tile_loadd(4, first, 64);
  _tile_loadd(5, second, 64);
}
OVERTAKE_INLINE void load_columns(const uint16_t* first, const uint16_t* second) {
  _tile_loadd(6, first, 64);
  _tile_loadd(7, second, 64);
}
OVERTAKE_INLINE void multiply_tiles_bf16() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

// Scores of 32 queries and one page.
OVERTAKE_INLINE void score_page(const uint16_t* queries, const uint16_t* keys, int steps,
                                float* scores) {
  const int64_t part = int64_t{steps} * kScoreTerms * kTileSize;  // of 16 queries, or keys
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int step = 0; step < steps; ++step) {
    const uint16_t* q = queries + step * kScoreTerms * kTileSize;
    const uint16_t* k = keys + step * kScoreTerms * kTileSize;
    load_rows(q, q + part);
    load_columns(k, k + part);
    multiply_tiles_bf16();
    if constexpr (kScoreTerms == 2) {
      load_columns(k + kTileSize, k + part + kTileSize);
      multiply_tiles_bf16();
      load_rows(q + kTileSize, q + part + kTileSize);
      load_columns(k, k + part);
      multiply_tiles_bf16();
    }
  }
  _tile_stored(0, scores, 64);
  _tile_stored(1, scores + 2 * kScoreTile, 64);
  _tile_stored(2, scores + kScoreTile, 64);
  _tile_stored(3, scores + 3 * kScoreTile, 64);
}

OVERTAKE_INLINE void add_values(const uint16_t* weights, const uint16_t* values, int n_pages,
                                float* out, int width) {
  const int64_t stride = width * static_cast<int64_t>(sizeof(float));
  for (int d = 0; d < width; d += 32) {
    const uint16_t* v = values + d / 16 * kBlockPages * kTileSize;
    _tile_loadd(0, out + d, stride);
    _tile_loadd(1, out + d + 16, stride);
    _tile_loadd(2, out + 16 * width + d, stride);
    _tile_loadd(3, out + 16 * width + d + 16, stride);
    for (int page = 0; page < n_pages; ++page) {
      load_rows(weights + page * 2 * kTileSize, weights + (page * 2 + 1) * kTileSize);
      load_columns(v + page * kTileSize, v + (kBlockPages + page) * kTileSize);
      multiply_tiles_bf16();
    }
    _tile_stored(0, out + d, stride);
    _tile_stored(1, out + d + 16, stride);
    _tile_stored(2, out + 16 * width + d, stride);
    _tile_stored(3, out + 16 * width + d + 16, stride);
  }
}

// 2^x as (least-maximum polynomial of the fraction, off by 7.5e-5) * 2^floor(x): finer than the
// weights' bf16.
OVERTAKE_INLINE __m512 exp2_about(__m512 x) {
  const __m512 fraction = _mm512_reduce_ps(x, 1);  // x - floor(x)
  __m512 p = _mm512_set1_ps(0.0780245215f);
  p = _mm512_fmadd_ps(p, fraction, _mm512_set1_ps(0.226067156f));
  p = _mm512_fmadd_ps(p, fraction, _mm512_set1_ps(0.695833564f));
  p = _mm512_fmadd_ps(p, fraction, _mm512_set1_ps(0.999925196f));
  return _mm512_scalef_ps(p, x);
}

struct KeyLanes {
  int first;
  int end;
};

OVERTAKE_INLINE int clamp_key(int64_t key) {
  return key < 0 ? 0 : key > kKeyBlock ? kKeyBlock : static_cast<int>(key);
}

// Adds the bias to one query's scores and masks those that it does not see.
inline void mask_query(float* scores, const KeyRange& range, int64_t base, KeyLanes lanes,
                       int n_vectors) {
  for (int v = 0; v < n_vectors; ++v) {
    const int first = lanes.first - v * 16 < 0 ? 0 : lanes.first - v * 16;
    const int end = lanes.end - v * 16 > 16 ? 16 : lanes.end - v * 16;
    const __mmask16 seen =
        end <= first ? 0 : static_cast<__mmask16>((1u << end) - (1u << first));
    float* at = scores + v * 2 * kScoreTile;
    __m512 score = _mm512_loadu_ps(at);
    if (range.bias) {
      const __m512 bias = _mm512_maskz_loadu_ps(seen, range.bias + base + v * 16);
      score = _mm512_fmadd_ps(bias, _mm512_set1_ps(1.44269504089f), score);
    }
    _mm512_storeu_ps(at, _mm512_mask_mov_ps(_mm512_set1_ps(kMinusInfinity), seen, score));
  }
}

OVERTAKE_INLINE float largest(const float* scores, int n_vectors) {
  __m512 top = _mm512_loadu_ps(scores);
  for (int v = 1; v < n_vectors; ++v) {
    top = _mm512_max_ps(top, _mm512_loadu_ps(scores + v * 2 * kScoreTile));
  }
  return _mm512_reduce_max_ps(top);
}

// Raises what 16 queries' scores are taken against, and multiplies their sums down.
inline void raise_tops(const PromptQueries& queries, const float* seen, int first, int width) {
  const __m512 before = _mm512_loadu_ps(queries.top + first);
  const __m512 top = _mm512_loadu_ps(seen);
  const __m512 limit = _mm512_add_ps(before, _mm512_set1_ps(kSlack));
  const __mmask16 raised = _mm512_cmp_ps_mask(top, limit, _CMP_GT_OQ);
  if (raised == 0) return;
  const __m512 after = _mm512_mask_mov_ps(before, raised, top);
  alignas(64) float factor[16];
  _mm512_store_ps(factor, exp2_about(_mm512_sub_ps(before, after)));
  _mm512_storeu_ps(queries.top + first, after);
  for (uint32_t left = raised; left; left &= left - 1) {
    const int lane = __builtin_ctz(left);
    const __m512 by = _mm512_set1_ps(factor[lane]);
    const int row = first + lane;
    float* sum = queries.sum + row * kLanePad;
    _mm512_storeu_ps(sum, _mm512_mul_ps(_mm512_loadu_ps(sum), by));
    float* out = queries.out + int64_t{row} * width;
    for (int d = 0; d < width; d += 16) {
      _mm512_storeu_ps(out + d, _mm512_mul_ps(_mm512_loadu_ps(out + d), by));
    }
  }
}

// One query's scores to weights.
template <int kPages>
OVERTAKE_INLINE void weigh(const float* scores, float top, float* sum, uint16_t* weights) {
  const __m512 against = _mm512_set1_ps(top < -3e38f ? -3e38f : top);
  const __m512bh ones = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f80));
  __m512 total = _mm512_loadu_ps(sum);
  OVERTAKE_UNROLL
  for (int page = 0; page < kPages; ++page) {
    const float* at = scores + page * 4 * kScoreTile;
    const __m512 low = exp2_about(_mm512_sub_ps(_mm512_loadu_ps(at), against));
    const __m512 high = exp2_about(_mm512_sub_ps(_mm512_loadu_ps(at + 2 * kScoreTile), against));
    const __m512bh both = _mm512_cvtne2ps_pbh(high, low);
    _mm512_storeu_si512(weights + page * 2 * kTileSize, reinterpret_cast<__m512i>(both));
    total = _mm512_dpbf16_ps(total, both, ones);
  }
  _mm512_storeu_ps(sum, total);
}

OVERTAKE_INLINE bool sees_bad(const PromptKeys& keys, KeyLanes lanes) {
  for (int word = 0; word < kKeyBlock / 64; ++word) {
    for (uint64_t left = keys.bad[word]; left; left &= left - 1) {
      const int key = word * 64 + __builtin_ctzll(left);
      if (key >= lanes.first && key < lanes.end) return true;
    }
  }
  return false;
}

template <int kPages>
inline void soften_block(const PromptQueries& queries, const PromptKeys& keys,
                         const PromptShape& shape, const PromptScratch& scratch) {
  alignas(64) float seen[kQueryBlock];
  for (int row = 0; row < kQueryBlock; ++row) {
    const KeyRange& range = queries.ranges[row];
    const KeyLanes lanes = {clamp_key(range.first - keys.base), clamp_key(range.end - keys.base)};
    float* scores = scratch.scores + row * 16;
    if (range.bias || lanes.first > 0 || lanes.end < kPages * kPageTokens) {
      mask_query(scores, range, keys.base, lanes, kPages * 2);
    }
    seen[row] = largest(scores, kPages * 2);
    if (__builtin_expect((keys.bad[0] | keys.bad[1]) != 0, false) && sees_bad(keys, lanes)) {
      queries.sum[row * kLanePad] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  raise_tops(queries, seen, 0, shape.width());
  raise_tops(queries, seen + 16, 16, shape.width());
  for (int row = 0; row < kQueryBlock; ++row) {
    weigh<kPages>(scratch.scores + row * 16, queries.top[row], queries.sum + row * kLanePad,
                  scratch.weights + row * 32);
  }
}

inline void attend_block(const PromptQueries& queries, const PromptKeys& keys,
                         const PromptShape& shape, const PromptScratch& scratch) {
  int64_t first = std::numeric_limits<int64_t>::max(), end = 0;
  for (int row = 0; row < kQueryBlock; ++row) {
    const KeyRange& range = queries.ranges[row];
    if (range.end <= range.first) continue;
    if (range.first < first) first = range.first;
    if (range.end > end) end = range.end;
  }
  if (end <= keys.base || first >= keys.base + kKeyBlock) return;
  const int n_pages = (clamp_key(end - keys.base) + kPageTokens - 1) / kPageTokens;
  const int steps = shape.depth() / kStepDepth;
  tile_barrier();
  for (int page = 0; page < n_pages; ++page) {
    score_page(queries.panel, keys.keys + int64_t{page} * 2 * steps * kScoreTerms * kTileSize, steps,
               scratch.scores + page * 4 * kScoreTile);
  }
  tile_barrier();
  switch (n_pages) {
    case 1:
      soften_block<1>(queries, keys, shape, scratch);
      break;
    case 2:
      soften_block<2>(queries, keys, shape, scratch);
      break;
    case 3:
      soften_block<3>(queries, keys, shape, scratch);
      break;
    default:
      soften_block<kBlockPages>(queries, keys, shape, scratch);
  }
  tile_barrier();
  add_values(scratch.weights, keys.values, n_pages, queries.out, shape.width());
  tile_barrier();
}

inline void clear_queries(const PromptQueries& queries, const PromptShape& shape) {
  for (int i = 0; i < kQueryBlock; ++i) queries.top[i] = kMinusInfinity;
  memset(queries.sum, 0, sizeof(float) * kQueryBlock * kLanePad);
  memset(queries.out, 0, sizeof(float) * static_cast<size_t>(kQueryBlock * shape.width()));
}

inline void finish_query(const PromptQueries& queries, int row, const PromptShape& shape,
                         float* out) {
  const float sum = reduce_add(load(queries.sum + row * kLanePad));
  const F32 factor = broadcast(1.0f / sum);
  const float* from = queries.out + int64_t{row} * shape.width();
  for (int d = 0; d < shape.head_dim; d += 16) {
    const int left = shape.head_dim - d;
    store_part(out + d, load(from + d) * factor, left < 16 ? left : 16);
  }
}
