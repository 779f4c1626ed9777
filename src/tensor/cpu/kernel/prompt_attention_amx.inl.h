// Attention of 16 queries over 128 keys: scores on AMX, softmax on AVX-512, weighted values on AMX.
// Included after prompt_pack_amx.inl.h and the tiles' configuration.

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr int kBlockPages = kKeyBlock / kPageTokens;
constexpr int kScoreTile = 256;  // floats: 16 queries x 16 keys
// Weights take the place of a page's first 16 scores: [16 queries, 32 keys].
constexpr int64_t kPageWeights = 2 * kScoreTile * 2;  // uint16_t from page to page
// Scores, in bits (logarithms to base 2), may exceed what they are taken against by so much before
// that is raised: sums are then multiplied only where it matters.
constexpr float kSlack = 8.0f;

// The compiler does not know what memory tiles read and write.
OVERTAKE_INLINE void tile_barrier() { __asm__ volatile("" ::: "memory"); }

// Sums stand in tiles 0 and 1 or in 2 and 3, rows in 4 or 5, columns in 6 and 7. The two pairs of
// sums take turns: storing one waits for its products, and does so unnoticed once those of the
// other have begun.
template <int kPair>
OVERTAKE_INLINE void zero_sums() {
  if constexpr (kPair == 0) {
    _tile_zero(0);
    _tile_zero(1);
  } else {
    _tile_zero(2);
    _tile_zero(3);
  }
}

// 16 queries by 2 x 16 columns, `pitch` bytes from row to row.
struct Sums {
  float* first;
  float* second;
  int64_t pitch;
};

template <int kPair>
OVERTAKE_INLINE void load_sums(const Sums& from) {
  if constexpr (kPair == 0) {
    _tile_loadd(0, from.first, from.pitch);
    _tile_loadd(1, from.second, from.pitch);
  } else {
    _tile_loadd(2, from.first, from.pitch);
    _tile_loadd(3, from.second, from.pitch);
  }
}

template <int kPair>
OVERTAKE_INLINE void store_sums(const Sums& to) {
  if constexpr (kPair == 0) {
    _tile_stored(0, to.first, to.pitch);
    _tile_stored(1, to.second, to.pitch);
  } else {
    _tile_stored(2, to.first, to.pitch);
    _tile_stored(3, to.second, to.pitch);
  }
}

template <int kPair>
OVERTAKE_INLINE void add_products(const uint16_t* rows, const uint16_t* first,
                                  const uint16_t* second) {
  _tile_loadd(6, first, 64);
  _tile_loadd(7, second, 64);
  if constexpr (kPair == 0) {
    _tile_loadd(4, rows, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  } else {
    _tile_loadd(5, rows, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

// Matrix products are cut into steps of two tiles' products, so that other work can stand between
// them: the two units then work at the same time.

// Scores of 16 queries and a block's pages: [2 n_pages of 16 keys, 16 queries, 16]. A page's depth
// is a round.
struct ScoreRounds {
  const uint16_t* queries;
  const uint16_t* keys;
  float* scores;
  int n_pages;
  int depth_steps;

  int count() const { return n_pages; }
  int steps() const { return depth_steps; }

  OVERTAKE_INLINE Sums sums(int page) const {
    float* to = scores + page * 2 * kScoreTile;
    return {to, to + kScoreTile, 64};
  }
  template <int kPair>
  OVERTAKE_INLINE void start(const Sums&) const {
    zero_sums<kPair>();
  }
  template <int kPair>
  OVERTAKE_INLINE void add(int page, int step) const {
    const uint16_t* k = keys + (page * 2 * depth_steps + step) * kTileSize;
    add_products<kPair>(queries + step * kTileSize, k, k + depth_steps * kTileSize);
  }
};

// out += weights values, of 16 queries and a block's pages. 32 columns are a round.
struct ValueRounds {
  const uint16_t* weights;
  const uint16_t* values;
  float* out;
  int n_pages;
  int width;

  int count() const { return n_pages ? width / 32 : 0; }
  int steps() const { return n_pages; }

  OVERTAKE_INLINE Sums sums(int column) const {
    float* to = out + column * 32;
    return {to, to + 16, width * static_cast<int64_t>(sizeof(float))};
  }
  template <int kPair>
  OVERTAKE_INLINE void start(const Sums& from) const {
    load_sums<kPair>(from);
  }
  template <int kPair>
  OVERTAKE_INLINE void add(int column, int page) const {
    const uint16_t* v = values + (column * 2 * kBlockPages + page) * kTileSize;
    add_products<kPair>(weights + page * kPageWeights, v, v + kBlockPages * kTileSize);
  }
};

// First the values of one block of queries, then the scores of another, taken as `units` of other
// work are done.
class TileSteps {
 public:
  TileSteps(const ValueRounds& values, const ScoreRounds& scores, int units)
      : values_(values),
        scores_(scores),
        n_values_(values.count()),
        n_rounds_(n_values_ + scores.count()),
        count_(n_values_ * values.steps() + scores.count() * scores.steps()),
        units_(units) {}

  OVERTAKE_INLINE void after(int units) {
    for (credit_ += units * count_; credit_ >= units_; credit_ -= units_) next();
  }
  void finish() {
    while (round_ < n_rounds_) next();
    if (n_rounds_ == 0) return;
    n_rounds_ % 2 ? store_sums<0>(last_) : store_sums<1>(last_);
  }

 private:
  OVERTAKE_INLINE void next() {
    if (round_ >= n_rounds_) return;
    const bool even = round_ % 2 == 0;
    if (round_ < n_values_) {
      even ? next_of<0>(values_, round_) : next_of<1>(values_, round_);
    } else {
      even ? next_of<0>(scores_, round_ - n_values_) : next_of<1>(scores_, round_ - n_values_);
    }
  }

  template <int kPair, typename Rounds>
  OVERTAKE_INLINE void next_of(const Rounds& rounds, int round) {
    if (step_ == 0) rounds.template start<kPair>(rounds.sums(round));
    rounds.template add<kPair>(round, step_);
    // The sums of the round before, whose products had the time of a step to end.
    if (step_ == 0 && round_ > 0) store_sums<1 - kPair>(last_);
    if (++step_ < rounds.steps()) return;
    step_ = 0;
    ++round_;
    last_ = rounds.sums(round);
  }

  ValueRounds values_;
  ScoreRounds scores_;
  int n_values_;
  int n_rounds_;
  int count_;  // of steps
  int units_;
  int round_ = 0;
  int step_ = 0;  // of the round
  int credit_ = 0;
  Sums last_ = {};  // of the round before
};

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
    const __mmask16 seen = end <= first ? 0 : static_cast<__mmask16>((1u << end) - (1u << first));
    float* at = scores + v * kScoreTile;
    __m512 score = _mm512_loadu_ps(at);
    if (range.bias) {
      const __m512 bias = _mm512_maskz_loadu_ps(seen, range.bias + base + v * 16);
      score = _mm512_fmadd_ps(bias, _mm512_set1_ps(1.44269504089f), score);
    }
    _mm512_storeu_ps(at, _mm512_mask_mov_ps(_mm512_set1_ps(kMinusInfinity), seen, score));
  }
}

OVERTAKE_INLINE __m512 largest(const float* scores, int n_vectors) {
  __m512 top = _mm512_loadu_ps(scores);
  for (int v = 1; v < n_vectors; ++v) {
    top = _mm512_max_ps(top, _mm512_loadu_ps(scores + v * kScoreTile));
  }
  return top;
}

// Lane i: the largest lane of rows[i]. Each step halves the rows, and the lanes that are of one.
OVERTAKE_INLINE __m512 largest_lanes(__m512 (&rows)[16]) {
  OVERTAKE_UNROLL
  for (int i = 0; i < 8; ++i) {
    const __m512 a = rows[2 * i], b = rows[2 * i + 1];
    rows[i] = _mm512_max_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  }
  OVERTAKE_UNROLL
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(rows[2 * i]), b = _mm512_castps_pd(rows[2 * i + 1]);
    rows[i] = _mm512_max_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                            _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  OVERTAKE_UNROLL
  for (int half = 2; half > 0; half /= 2) {
    OVERTAKE_UNROLL
    for (int i = 0; i < half; ++i) {
      const __m512 a = rows[2 * i], b = rows[2 * i + 1];
      rows[i] = _mm512_max_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    }
  }
  return rows[0];
}

// Raises what 16 queries' scores are taken against, and multiplies their sums down.
inline void raise_tops(const PromptQueries& queries, __m512 top, int width) {
  const __m512 before = _mm512_loadu_ps(queries.top);
  const __m512 limit = _mm512_add_ps(before, _mm512_set1_ps(kSlack));
  const __mmask16 raised = _mm512_cmp_ps_mask(top, limit, _CMP_GT_OQ);
  if (raised == 0) return;
  const __m512 after = _mm512_mask_mov_ps(before, raised, top);
  alignas(64) float factor[16];
  _mm512_store_ps(factor, exp2_about(_mm512_sub_ps(before, after)));
  _mm512_storeu_ps(queries.top, after);
  for (uint32_t left = raised; left; left &= left - 1) {
    const int lane = __builtin_ctz(left);
    const __m512 by = _mm512_set1_ps(factor[lane]);
    float* sum = queries.sum + lane * kLanePad;
    _mm512_storeu_ps(sum, _mm512_mul_ps(_mm512_loadu_ps(sum), by));
    float* out = queries.out + int64_t{lane} * width;
    for (int d = 0; d < width; d += 16) {
      _mm512_storeu_ps(out + d, _mm512_mul_ps(_mm512_loadu_ps(out + d), by));
    }
  }
}

// One query's scores to weights, in their place.
OVERTAKE_INLINE void weigh(float* scores, int n_pages, float top, float* sum) {
  const __m512 against = _mm512_set1_ps(top < -3e38f ? -3e38f : top);
  const __m512bh ones = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f80));
  __m512 total = _mm512_loadu_ps(sum);
  OVERTAKE_UNROLL
  for (int page = 0; page < n_pages; ++page) {
    float* at = scores + page * 2 * kScoreTile;
    const __m512 low = exp2_about(_mm512_sub_ps(_mm512_loadu_ps(at), against));
    const __m512 high = exp2_about(_mm512_sub_ps(_mm512_loadu_ps(at + kScoreTile), against));
    const __m512bh both = _mm512_cvtne2ps_pbh(high, low);
    _mm512_storeu_si512(at, reinterpret_cast<__m512i>(both));
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

// A block of queries at a block of keys.
struct Visit {
  const PromptQueries* queries;
  int n_pages;  // of the keys that one of them sees; 0: none
  bool whole;   // all queries see all keys of the block, none of which is bad, without a bias
};

inline Visit visit(const PromptQueries& queries, const PromptKeys& keys) {
  const BlockRanges& seen = queries.seen;
  const int64_t end = keys.base + kKeyBlock;
  if (seen.any.end <= keys.base || seen.any.first >= end) return {&queries, 0, false};
  const bool whole = seen.all.first <= keys.base && seen.all.end >= end && !seen.all.bias &&
                     (keys.bad[0] | keys.bad[1]) == 0;
  return {&queries, (clamp_key(seen.any.end - keys.base) + kPageTokens - 1) / kPageTokens, whole};
}

// Biases and masks; what queries that see bad values get.
inline void mask_block(const Visit& at, const PromptKeys& keys, float* scores) {
  for (int row = 0; row < kQueryBlock; ++row) {
    const KeyRange& range = at.queries->ranges[row];
    const KeyLanes lanes = {clamp_key(range.first - keys.base), clamp_key(range.end - keys.base)};
    if (range.bias || lanes.first > 0 || lanes.end < at.n_pages * kPageTokens) {
      mask_query(scores + row * 16, range, keys.base, lanes, at.n_pages * 2);
    }
    if (sees_bad(keys, lanes)) {
      at.queries->sum[row * kLanePad] = std::numeric_limits<float>::quiet_NaN();
    }
  }
}

// Finding the largest score costs about a fourth of making weights.
constexpr int kUnitsToRank = 1, kUnitsToWeigh = 4;
constexpr int kUnits = kQueryBlock * (kUnitsToRank + kUnitsToWeigh);

// Scores of n_pages pages to weights, while the matrix unit does `steps`.
OVERTAKE_INLINE void soften_pages(const PromptQueries& queries, int n_pages, int width,
                                  float* scores, TileSteps& steps) {
  __m512 seen[kQueryBlock];
  OVERTAKE_UNROLL
  for (int row = 0; row < kQueryBlock; ++row) seen[row] = largest(scores + row * 16, n_pages * 2);
  raise_tops(queries, largest_lanes(seen), width);
  steps.after(kQueryBlock * kUnitsToRank);
  for (int row = 0; row < kQueryBlock; ++row) {
    weigh(scores + row * 16, n_pages, queries.top[row], queries.sum + row * kLanePad);
    steps.after(kUnitsToWeigh);
  }
  steps.finish();
}

inline void soften_block(const Visit& at, const PromptKeys& keys, int width, float* scores,
                         TileSteps& steps) {
  if (!at.whole) mask_block(at, keys, scores);
  if (at.n_pages == kBlockPages) {
    soften_pages(*at.queries, kBlockPages, width, scores, steps);
  } else {
    soften_pages(*at.queries, at.n_pages, width, scores, steps);
  }
}

// A pipeline over the blocks of queries: while one's scores become weights, the matrix unit
// gathers values for the one before and scores the one after. Two buffers of scores take turns.
inline void attend_blocks(const PromptQueries* queries, int64_t n_blocks, const PromptKeys& keys,
                          const PromptShape& shape, float* scratch) {
  const int depth_steps = shape.depth() / kStepDepth;
  float* scores = scratch;
  float* other = scratch + kKeyBlock * kQueryBlock;
  const auto score_rounds = [&](const Visit& at, float* to) {
    return ScoreRounds{at.queries->panel, keys.keys, to, at.n_pages, depth_steps};
  };
  const auto value_rounds = [&](const Visit& at, const float* weights) {
    return ValueRounds{reinterpret_cast<const uint16_t*>(weights), keys.values, at.queries->out,
                       at.n_pages, shape.width()};
  };
  int64_t next_block = 0;
  const auto next_visit = [&] {
    while (next_block < n_blocks) {
      const Visit found = visit(queries[next_block++], keys);
      if (found.n_pages > 0) return found;
    }
    return Visit{queries, 0, false};
  };
  Visit before = {queries, 0, false}, at = next_visit();
  if (at.n_pages == 0) return;
  TileSteps(value_rounds(before, other), score_rounds(at, scores), kUnits).finish();
  while (at.n_pages > 0) {
    const Visit after = next_visit();
    TileSteps steps(value_rounds(before, other), score_rounds(after, other), kUnits);
    tile_barrier();
    soften_block(at, keys, shape.width(), scores, steps);
    tile_barrier();
    before = at;
    at = after;
    float* const swap = scores;
    scores = other;
    other = swap;
  }
  TileSteps(value_rounds(before, other), score_rounds(at, scores), kUnits).finish();
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
