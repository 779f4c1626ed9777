// Attention of a tile of queries over one page of 8-bit keys and values. Included inside an ISA
// region and its namespace, after attention.inl.h. Scores are sums of whole numbers within a block
// of 32 dimensions, and so exact; scales are multiplied in block after block. Values are weighed by
// weight * scale. Both whatever the number of rows.

// A page's parts of one kv head.
struct Q8Planes {
  const int8_t* keys;  // [width / 2, kPageTokens, 2]
  const int8_t* next_keys;
  const int8_t* values;  // [kPageTokens, width]
  const int8_t* next_values;
  const uint16_t* key_scales;  // [n_blocks, kPageTokens]
  const uint16_t* value_scales;
};

OVERTAKE_INLINE const int8_t* numbers_at(const std::byte* part) {
  return reinterpret_cast<const int8_t*>(part);
}

inline Q8Planes q8_planes(const PagePart& page, const Q8Head& head) {
  const auto scales = [&](const std::byte* part) {
    return reinterpret_cast<const uint16_t*>(part + head.number_bytes());
  };
  return {numbers_at(page.keys),        numbers_at(page.next_keys), numbers_at(page.values),
          numbers_at(page.next_values), scales(page.keys),          scales(page.values)};
}

// Scores of kRows queries and kVectors vectors of keys.
template <int kRows, int kVectors>
inline void score_tile_q8(const AttentionTile& tile, const Q8Planes& planes, int row, int col) {
  const int16_t* a[(kRows + 2) / 3];  // as in multiply_tile
  OVERTAKE_UNROLL for (int r = 0; r < kRows; r += 3) {
    a[r / 3] = tile.whole_queries + static_cast<int64_t>(row + r) * tile.padded_dim;
    OVERTAKE_OPAQUE(a[r / 3]);
  }
  const int64_t stride = tile.padded_dim;
  const int8_t* keys = planes.keys + col * 2;
  const int8_t* ahead = planes.next_keys + col * 2;
  float* scores = tile.scores + row * kPageTokens + col;
  for (int first = 0; first < tile.padded_dim; first += Q8Head::kBlock) {
    const int left = tile.padded_dim - first;
    PairSum sum[kRows][kVectors];
    OVERTAKE_UNROLL for (int r = 0; r < kRows; ++r) {
      OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) sum[r][v] = zero_pair_sum();
    }
    for (int k = left < Q8Head::kBlock ? left : Q8Head::kBlock; k > 0; k -= 2) {
      Pairs key[kVectors];
      OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
        key[v] = load_pairs(keys + v * 2 * F32::kLanes);
      }
      OVERTAKE_UNROLL for (int r = 0; r < kRows; ++r) {
        const Pairs query = broadcast_pair(a[r / 3] + r % 3 * stride);
        OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
          sum[r][v] = add_dots(sum[r][v], key[v], query);
        }
      }
      __builtin_prefetch(ahead, 0, 2);
      OVERTAKE_UNROLL for (int r = 0; r < kRows; r += 3) {
        a[r / 3] += 2;
        OVERTAKE_OPAQUE(a[r / 3]);
      }
      keys += 2 * kPageTokens;
      ahead += 2 * kPageTokens;
    }
    const float* scales = tile.scales + first / Q8Head::kBlock * kPageTokens + col;
    OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
      const F32 scale = load(scales + v * F32::kLanes);
      OVERTAKE_UNROLL for (int r = 0; r < kRows; ++r) {
        float* score = scores + r * kPageTokens + v * F32::kLanes;
        F32 total = fma(to_f32(sum[r][v]), scale, first > 0 ? load(score) : zero());
        if (left <= Q8Head::kBlock) total = total * broadcast(tile.query_scales[row + r]);
        store(score, total);
      }
    }
  }
}

template <int kRows>
OVERTAKE_INLINE void score_rows_q8(const AttentionTile& tile, const Q8Planes& planes, int row) {
  constexpr int kMost = kRows * 4 <= kTileRegisters ? 4 : 2;
  constexpr int kVectors = kMost < kPageVectors ? kMost : kPageVectors;
  for (int col = 0; col < kPageTokens; col += kVectors * F32::kLanes) {
    score_tile_q8<kRows, kVectors>(tile, planes, row, col);
  }
}

inline void score_q8(const AttentionTile& tile, const Q8Planes& planes) {
  constexpr int kMost = kTileRegisters / 2;
  int row = 0;
  for (; row + kMost <= tile.n_rows; row += kMost) score_rows_q8<kMost>(tile, planes, row);
  if constexpr (kMost > 8) {
    for (; row + 8 <= tile.n_rows; row += 8) score_rows_q8<8>(tile, planes, row);
  }
  for (; row + 4 <= tile.n_rows; row += 4) score_rows_q8<4>(tile, planes, row);
  if (row + 3 == tile.n_rows) return score_rows_q8<3>(tile, planes, row);
  if (row + 2 <= tile.n_rows) score_rows_q8<2>(tile, planes, row), row += 2;
  if (row < tile.n_rows) score_rows_q8<1>(tile, planes, row);
}

// Values of `lanes`, weighed, into the state. `numbers` are theirs, or floats of the same.
template <typename T>
OVERTAKE_INLINE void gather_q8(const AttentionTile& tile, const LaneRange& lanes, const T* numbers,
                               const Q8Planes& planes) {
  for (int first = 0; first < tile.padded_dim; first += Q8Head::kBlock) {
    const float* scales = tile.scales + first / Q8Head::kBlock * kPageTokens;
    for (int j = 0; j < kPageTokens; j += F32::kLanes) {
      const F32 scale = load(scales + j);
      for (int i = 0; i < tile.n_rows; ++i) {
        const int at = i * kPageTokens + j;
        store(tile.weights + at, load(tile.scores + at) * scale);
      }
    }
    const Product<T, int8_t> product = {.a = tile.weights + lanes.first,
                                        .a_stride = kPageTokens,
                                        .b = numbers + lanes.first * tile.padded_dim + first,
                                        .b_stride = tile.padded_dim,
                                        .depth = lanes.end - lanes.first,
                                        .c = tile.state.out + first,
                                        .c_stride = tile.padded_dim,
                                        .scale = tile.rescale,
                                        .ahead = planes.next_values + first,
                                        .ahead_stride = tile.padded_dim};
    const int left = tile.padded_dim - first;
    multiply(product, tile.n_rows, left < Q8Head::kBlock ? left : Q8Head::kBlock);
  }
}

// As gather_seen: a scale of NaN reaches only the rows that see it.
template <typename T>
inline void gather_seen_q8(const AttentionTile& tile, const LaneRange& lanes, const T* numbers,
                           const PagePart& page, const Q8Planes& planes) {
  bool finite = see_the_same(tile, lanes, page.base);
  if (!finite) {
    const int n_blocks = Q8Head{tile.head_dim}.n_blocks();
    finite = !any_not_finite(tile.scales, n_blocks * kPageTokens);
  }
  if (finite) return gather_q8(tile, lanes, numbers, planes);
  for (int i = 0; i < tile.n_rows; ++i) {
    const LaneRange row = lanes_of(tile.ranges[i], page.base);
    if (row.first < row.end) gather_q8(one_row(tile, i), row, numbers, planes);
  }
}

inline void attend_q8(const AttentionTile& tile, const PagePart& page) {
  const LaneRange lanes = seen_lanes(tile, page.base);
  if (lanes.first >= lanes.end) return;
  const Q8Head head = {tile.head_dim};
  const Q8Planes planes = q8_planes(page, head);
  const int64_t n_scales = int64_t{head.n_blocks()} * kPageTokens;
  widen(planes.key_scales, n_scales, tile.scales);
  score_q8(tile, planes);
  soften(tile, page.base);
  widen(planes.value_scales, n_scales, tile.scales);
  // More rows than one tile of products has would convert each value again.
  if (tile.n_rows > kTileRegisters / 2) {
    widen(planes.values, static_cast<int64_t>(lanes.end) * tile.padded_dim, tile.widened);
    gather_seen_q8(tile, lanes, static_cast<const float*>(tile.widened), page, planes);
  } else {
    gather_seen_q8(tile, lanes, planes.values, page, planes);
  }
}
