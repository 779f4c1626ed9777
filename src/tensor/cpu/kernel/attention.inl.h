// Attention of a tile of queries over one page. Included inside an ISA region and its namespace.
// Every number of a query's state depends on that query and the pages alone: pages come in
// ascending order, and a masked key contributes exactly nothing.

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kPageVectors = kPageTokens / F32::kLanes;

struct LaneRange {
  int first;
  int end;  // first >= end: the query sees no key of the page
};

OVERTAKE_INLINE int clamp_lane(int64_t lane) {
  return lane < 0 ? 0 : lane > kPageTokens ? kPageTokens : static_cast<int>(lane);
}

OVERTAKE_INLINE LaneRange lanes_of(const KeyRange& range, int64_t base) {
  return {clamp_lane(range.first - base), clamp_lane(range.end - base)};
}

// Adds the bias, masks, and returns the largest score; -inf if none is seen.
OVERTAKE_INLINE float mask_scores(float* scores, const KeyRange& range, int64_t base) {
  const LaneRange lanes = lanes_of(range, base);
  if (lanes.first >= lanes.end) return -kInfinity;
  const bool whole = lanes.first == 0 && lanes.end == kPageTokens;
  const uint32_t below_end = ~uint32_t{0} >> (kPageTokens - lanes.end);
  const uint32_t seen = below_end & ~uint32_t{0} << lanes.first;
  F32 top = broadcast(-kInfinity);
  for (int j = 0; j < kPageTokens; j += F32::kLanes) {
    F32 score = load(scores + j);
    if (range.bias) {
      const int left = lanes.end - j;  // the table may end there
      const int count = left < 0 ? 0 : left < F32::kLanes ? left : F32::kLanes;
      score = score + load_part(range.bias + base + j, count);
    }
    if (!whole) score = select_bits(seen >> j, score, broadcast(-kInfinity));
    if (range.bias || !whole) store(scores + j, score);
    top = max(top, score);
  }
  return reduce_max(top);
}

// scores become exp(score - top); their sum goes to the lanes of `sum`.
OVERTAKE_INLINE void weigh_scores(float* scores, float top, float rescale, float* sum) {
  F32 total[kLanePad / F32::kLanes];
  for (int i = 0; i < kLanePad / F32::kLanes; ++i) {
    total[i] = load(sum + i * F32::kLanes) * broadcast(rescale);
  }
  for (int v = 0; v < kPageVectors; ++v) {
    const F32 weight = exp(load(scores + v * F32::kLanes) - broadcast(top));
    store(scores + v * F32::kLanes, weight);
    const int lane = v % (kLanePad / F32::kLanes);
    total[lane] = total[lane] + weight;
  }
  for (int i = 0; i < kLanePad / F32::kLanes; ++i) store(sum + i * F32::kLanes, total[i]);
}

// One step of online softmax for all rows: scores in, weights out, state and rescale updated.
inline void soften(const AttentionTile& tile, int64_t base) {
  const SoftmaxState& state = tile.state;
  alignas(64) float seen[kMaxTileRows];
  for (int i = 0; i < tile.n_rows; ++i) {
    seen[i] = mask_scores(tile.scores + i * kPageTokens, tile.ranges[i], base);
    const float before = state.top[i];
    const float after = before > seen[i] ? before : seen[i];
    state.top[i] = after;
    // A row that has seen no key yet holds zeros, which any finite factor keeps.
    tile.rescale[i] = after == -kInfinity ? 0.0f : before - after;
  }
  for (int i = 0; i < tile.n_rows; i += F32::kLanes) {
    store(tile.rescale + i, exp(load(tile.rescale + i)));
  }
  for (int i = 0; i < tile.n_rows; ++i) {
    float* scores = tile.scores + i * kPageTokens;
    if (seen[i] == -kInfinity) {
      for (int v = 0; v < kPageVectors; ++v) store(scores + v * F32::kLanes, zero());
    } else {
      weigh_scores(scores, state.top[i], tile.rescale[i], state.sum + i * kLanePad);
    }
  }
}

template <typename T>
OVERTAKE_INLINE void widen(const T* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += F32::kLanes) store(to + i, load_as_f32(from + i));
}

OVERTAKE_INLINE F32 load_part_as_f32(const float* p, int64_t n) { return load_part(p, n); }
OVERTAKE_INLINE F32 load_part_as_f32(const uint16_t* p, int64_t n) { return load_f16_part(p, n); }

// Rows of values to f32 rows of padded_dim, the padding zero.
template <typename T>
inline void pad_values(const T* from, int rows, const AttentionTile& tile) {
  for (int j = 0; j < rows; ++j) {
    float* to = tile.widened + j * tile.padded_dim;
    for (int i = 0; i < tile.padded_dim; i += F32::kLanes) {
      const int left = tile.head_dim - i;
      const int count = left < 0 ? 0 : left < F32::kLanes ? left : F32::kLanes;
      store(to + i, load_part_as_f32(from + j * tile.head_dim + i, count));
    }
  }
}

// A page's planes as numbers of type T.
template <typename T>
struct Planes {
  const T* keys;
  const T* values;
  const T* next_keys;
  const T* next_values;
};

template <typename T, typename Page>
OVERTAKE_INLINE void score(const AttentionTile& tile, const T* keys, const Planes<Page>& planes) {
  const Product<T, Page> product = {.a = tile.queries,
                                    .a_stride = tile.head_dim,
                                    .b = keys,
                                    .b_stride = kPageTokens,
                                    .depth = tile.head_dim,
                                    .c = tile.scores,
                                    .c_stride = kPageTokens,
                                    .scale = nullptr,
                                    .ahead = planes.next_keys,
                                    .ahead_stride = kPageTokens};
  multiply(product, tile.n_rows, kPageTokens);
}

struct Values {
  LaneRange lanes;  // of the page
  int64_t stride;
};

// Values, weighed, into the state.
template <typename T, typename Page>
OVERTAKE_INLINE void gather(const AttentionTile& tile, const Values& shape, const T* values,
                            const Planes<Page>& planes) {
  const Product<T, Page> product = {.a = tile.scores + shape.lanes.first,
                                    .a_stride = kPageTokens,
                                    .b = values + shape.lanes.first * shape.stride,
                                    .b_stride = shape.stride,
                                    .depth = shape.lanes.end - shape.lanes.first,
                                    .c = tile.state.out,
                                    .c_stride = tile.padded_dim,
                                    .scale = tile.rescale,
                                    .ahead = planes.next_values,
                                    .ahead_stride = tile.head_dim};
  multiply(product, tile.n_rows, tile.padded_dim);
}

OVERTAKE_INLINE bool any_not_finite(const float* p, int64_t n) {
  F32 zeros = zero();
  for (int64_t i = 0; i < n; i += F32::kLanes) zeros = fma(load(p + i), zero(), zeros);
  return reduce_add(zeros) != 0.0f;
}
OVERTAKE_INLINE bool any_not_finite(const uint16_t* p, int64_t n) {
  F32 zeros = zero();
  for (int64_t i = 0; i < n; i += F32::kLanes) zeros = fma(load_f16(p + i), zero(), zeros);
  return reduce_add(zeros) != 0.0f;
}

// The page's keys that any row of the tile sees. The others are left out: their slots may hold
// another sequence's past.
inline LaneRange seen_lanes(const AttentionTile& tile, int64_t base) {
  LaneRange lanes = {kPageTokens, 0};
  for (int i = 0; i < tile.n_rows; ++i) {
    const LaneRange row = lanes_of(tile.ranges[i], base);
    if (row.first >= row.end) continue;
    if (row.first < lanes.first) lanes.first = row.first;
    if (row.end > lanes.end) lanes.end = row.end;
  }
  return lanes;
}

inline bool see_the_same(const AttentionTile& tile, const LaneRange& lanes, int64_t base) {
  for (int i = 0; i < tile.n_rows; ++i) {
    const LaneRange row = lanes_of(tile.ranges[i], base);
    if (row.first != lanes.first || row.end != lanes.end) return false;
  }
  return true;
}

// Row `row` of a tile as a tile of its own.
inline AttentionTile one_row(const AttentionTile& tile, int row) {
  AttentionTile one = tile;
  one.n_rows = 1;
  one.scores += row * kPageTokens;
  one.rescale += row;
  one.state.out += static_cast<int64_t>(row) * tile.padded_dim;
  return one;
}

// Rows of which some see less of the page than others: a weight of zero makes nothing of any value
// but infinities and NaN. Where there are such, each row is given what it sees alone.
template <typename T, typename Page>
OVERTAKE_INLINE void gather_seen(const AttentionTile& tile, const Values& shape, const T* values,
                                 const PagePart& page, const Planes<Page>& planes) {
  const T* first = values + shape.lanes.first * shape.stride;
  if (see_the_same(tile, shape.lanes, page.base) ||
      !any_not_finite(first, (shape.lanes.end - shape.lanes.first) * shape.stride)) {
    gather(tile, shape, values, planes);
    return;
  }
  for (int i = 0; i < tile.n_rows; ++i) {
    const LaneRange row = lanes_of(tile.ranges[i], page.base);
    if (row.first >= row.end) continue;
    gather(one_row(tile, i), {row, shape.stride}, values, planes);
  }
}

template <typename T>
inline void attend_as(const AttentionTile& tile, const PagePart& page) {
  const LaneRange lanes = seen_lanes(tile, page.base);
  if (lanes.first >= lanes.end) return;
  const Planes<T> planes = {
      reinterpret_cast<const T*>(page.keys), reinterpret_cast<const T*>(page.values),
      reinterpret_cast<const T*>(page.next_keys), reinterpret_cast<const T*>(page.next_values)};
  // More rows than one tile of products has would convert each number again.
  const bool many = sizeof(T) < sizeof(float) && tile.n_rows > kTileRegisters / 2;
  if (many) {
    widen(planes.keys, static_cast<int64_t>(tile.head_dim) * kPageTokens, tile.widened);
    score(tile, tile.widened, planes);
  } else {
    score(tile, planes.keys, planes);
  }
  soften(tile, page.base);
  if (many || tile.padded_dim != tile.head_dim) {
    pad_values(planes.values, lanes.end, tile);
    gather_seen(tile, {lanes, tile.padded_dim}, tile.widened, page, planes);
  } else {
    gather_seen(tile, {lanes, tile.head_dim}, planes.values, page, planes);
  }
}

inline void attend_q8(const AttentionTile& tile, const PagePart& page);

inline void attend(const AttentionTile& tile, const PagePart& page) {
  if (tile.type == KvType::kF32) {
    attend_as<float>(tile, page);
  } else if (tile.type == KvType::kF16) {
    attend_as<uint16_t>(tile, page);
  } else {
    attend_q8(tile, page);
  }
}

inline void clear_state(const SoftmaxState& state, int n_rows, int padded_dim) {
  for (int i = 0; i < n_rows; ++i) state.top[i] = -kInfinity;
  for (int i = 0; i < n_rows * kLanePad; i += F32::kLanes) store(state.sum + i, zero());
  for (int i = 0; i < n_rows * padded_dim; i += F32::kLanes) store(state.out + i, zero());
}

inline void merge_states(const SoftmaxState& into, const SoftmaxState& from, int n_rows,
                         int padded_dim) {
  for (int r = 0; r < n_rows; ++r) {
    if (from.top[r] == -kInfinity) continue;
    const float top = into.top[r] > from.top[r] ? into.top[r] : from.top[r];
    const F32 old_part = exp(broadcast(into.top[r] - top));
    const F32 new_part = exp(broadcast(from.top[r] - top));
    into.top[r] = top;
    for (int i = r * kLanePad; i < (r + 1) * kLanePad; i += F32::kLanes) {
      store(into.sum + i, fma(load(into.sum + i), old_part, load(from.sum + i) * new_part));
    }
    for (int i = r * padded_dim; i < (r + 1) * padded_dim; i += F32::kLanes) {
      store(into.out + i, fma(load(into.out + i), old_part, load(from.out + i) * new_part));
    }
  }
}

inline void finish_row(const SoftmaxState& state, int row, int head_dim, float* out) {
  const float* lanes = state.sum + row * kLanePad;
  F32 sum = load(lanes);
  for (int i = F32::kLanes; i < kLanePad; i += F32::kLanes) sum = sum + load(lanes + i);
  const F32 factor = broadcast(1.0f / reduce_add(sum));
  const float* from = state.out + static_cast<int64_t>(row) * pad_lanes(head_dim);
  int i = 0;
  for (; i + F32::kLanes <= head_dim; i += F32::kLanes) store(out + i, load(from + i) * factor);
  if (i < head_dim) store_part(out + i, load(from + i) * factor, head_dim - i);
}

const AttentionKernels attention_kernels = {turn_head,   store_key, store_value,  quantize_query,
                                            clear_state, attend,    merge_states, finish_row};
