// Turning heads by rotary positions. Included inside an ISA region and its namespace.

OVERTAKE_INLINE int lanes_left(int n, int i) { return n - i < F32::kLanes ? n - i : F32::kLanes; }

// Whole vectors where they fit: masks cost more than what they mask.
OVERTAKE_INLINE F32 load_lanes(const float* p, int n) {
  return n == F32::kLanes ? load(p) : load_part(p, n);
}
OVERTAKE_INLINE void store_lanes(float* p, F32 a, int n) {
  n == F32::kLanes ? store(p, a) : store_part(p, a, n);
}

// Dimensions [begin, begin + n_dims / 2), each with its partner `partner` elements on.
OVERTAKE_INLINE void turn_half(const float* x, int begin, int partner, const Turn& turn, F32 scale,
                               float* out) {
  for (int i = 0; i < turn.n_dims / 2; i += F32::kLanes) {
    const int at = begin + i;
    const int n = lanes_left(turn.n_dims / 2, i);
    const F32 other = load_lanes(x + at + partner, n) * load_lanes(turn.sin + at, n);
    const F32 turned = fma(load_lanes(x + at, n), load_lanes(turn.cos + at, n), other);
    store_lanes(out + at, turned * scale, n);
  }
}

inline void turn_head(const float* x, const Turn& turn, int head_dim, float scale, float* out) {
  const F32 factor = broadcast(scale);
  if (turn.n_dims > 0) {
    turn_half(x, 0, turn.n_dims / 2, turn, factor, out);
    turn_half(x, turn.n_dims / 2, -turn.n_dims / 2, turn, factor, out);
  }
  for (int i = turn.n_dims; i < head_dim; i += F32::kLanes) {
    const int n = lanes_left(head_dim, i);
    store_lanes(out + i, load_lanes(x + i, n) * factor, n);
  }
}
