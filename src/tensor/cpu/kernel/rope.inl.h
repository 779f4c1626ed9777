// Turning heads by rotary positions, and storing keys and values. Included inside an ISA region and
// its namespace.

OVERTAKE_INLINE int lanes_left(int n, int i) { return n - i < F32::kLanes ? n - i : F32::kLanes; }

// out[i] = (x[i] cos[i] + x[i + partner] sin[i]) scale over `n` dimensions.
OVERTAKE_INLINE void turn_half(const float* x, int partner, const Turn& turn, F32 scale,
                               float* out) {
  const int begin = partner > 0 ? 0 : turn.n_dims / 2;
  const int n = turn.n_dims / 2;
  for (int i = 0; i < n; i += F32::kLanes) {
    const int at = begin + i;
    const int count = lanes_left(n, i);
    const F32 other = load_part(x + at + partner, count) * load_part(turn.sin + at, count);
    const F32 turned = fma(load_part(x + at, count), load_part(turn.cos + at, count), other);
    store_part(out + at, turned * scale, count);
  }
}

OVERTAKE_INLINE void turn_adjacent(const float* x, const Turn& turn, F32 scale, float* out) {
  for (int i = 0; i < turn.n_dims; i += F32::kLanes) {
    const int count = lanes_left(turn.n_dims, i);
    const F32 other = load_swapped(x, i, count) * load_part(turn.sin + i, count);
    const F32 turned = fma(load_part(x + i, count), load_part(turn.cos + i, count), other);
    store_part(out + i, turned * scale, count);
  }
}

inline void turn_head(const float* x, const Turn& turn, int head_dim, float scale, float* out) {
  const F32 factor = broadcast(scale);
  if (turn.n_dims > 0 && turn.pairing == Rope::Pairing::kHalves) {
    turn_half(x, turn.n_dims / 2, turn, factor, out);
    turn_half(x, -turn.n_dims / 2, turn, factor, out);
  } else if (turn.n_dims > 0) {
    turn_adjacent(x, turn, factor, out);
  }
  for (int i = turn.n_dims; i < head_dim; i += F32::kLanes) {
    const int count = lanes_left(head_dim, i);
    store_part(out + i, load_part(x + i, count) * factor, count);
  }
}

OVERTAKE_INLINE F32 saturate_f16(F32 x) {
  return min(broadcast(65504.0f), max(broadcast(-65504.0f), x));
}

inline void store_key(const float* x, int head_dim, KvType type, std::byte* keys) {
  if (type == KvType::kF32) {
    float* to = reinterpret_cast<float*>(keys);
    for (int i = 0; i < head_dim; ++i) to[i * kPageTokens] = x[i];
    return;
  }
  uint16_t* to = reinterpret_cast<uint16_t*>(keys);
  for (int i = 0; i < head_dim; i += F32::kLanes) {
    uint16_t half[F32::kLanes];
    const int count = lanes_left(head_dim, i);
    store_f16(half, saturate_f16(load_part(x + i, count)));
    for (int lane = 0; lane < count; ++lane) to[(i + lane) * kPageTokens] = half[lane];
  }
}

inline void store_value(const float* x, int head_dim, KvType type, std::byte* values) {
  if (type == KvType::kF32) {
    memcpy(values, x, static_cast<size_t>(head_dim) * sizeof(float));
    return;
  }
  uint16_t* to = reinterpret_cast<uint16_t*>(values);
  for (int i = 0; i < head_dim; i += F32::kLanes) {
    uint16_t half[F32::kLanes];
    const int count = lanes_left(head_dim, i);
    store_f16(half, saturate_f16(load_part(x + i, count)));
    memcpy(to + i, half, static_cast<size_t>(count) * sizeof *half);
  }
}
