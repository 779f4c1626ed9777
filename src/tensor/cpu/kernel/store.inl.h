// Storing keys and values in pages, and queries as whole numbers for 8-bit keys. Included inside an
// ISA region and its namespace, after rope.inl.h.

OVERTAKE_INLINE F32 saturate(F32 x, float most) {
  return min(broadcast(most), max(broadcast(-most), x));
}

constexpr float kMostF16 = 65504.0f;

template <typename Put>
OVERTAKE_INLINE void put_halves(const float* x, int head_dim, Put put) {
  for (int i = 0; i < head_dim; i += F32::kLanes) {
    uint16_t half[F32::kLanes];
    const int count = lanes_left(head_dim, i);
    store_f16(half, saturate(load_part(x + i, count), kMostF16));
    put(i, count, half);
  }
}

// The scale, as f16, that takes numbers up to `top` to 8 bits. Rounding it down must not leave the
// largest beyond 127.5 steps; below its normal numbers f16 rounds by more than that.
inline uint16_t scale_bits(float top) {
  const float exact = top / 127.0f;
  constexpr float kLeast = 0x1p-24f;
  uint16_t half[F32::kLanes];
  store_f16(half, broadcast(exact > kLeast ? exact : kLeast));
  const float rounded = reduce_max(load_f16(half));
  return rounded * 127.5f < top ? half[0] + 1 : half[0];
}

// x [n], n <= 32, to whole numbers of -127 to 127, and zeros up to 32; returns their scale. A block
// with a NaN is zeros of scale NaN.
inline uint16_t quantize_block(const float* x, int n, int8_t* out) {
  constexpr int kVectors = Q8Head::kBlock / F32::kLanes;
  constexpr uint16_t kNanF16 = 0x7e00;
  F32 part[kVectors];
  F32 top = zero(), nans = zero();
  for (int v = 0; v < kVectors; ++v) {
    const int left = n - v * F32::kLanes;
    const int count = left < 0 ? 0 : left < F32::kLanes ? left : F32::kLanes;
    part[v] = saturate(load_part(x + (count > 0 ? v * F32::kLanes : 0), count), 127.0f * kMostF16);
    top = max(top, abs(part[v]));
    nans = fma(part[v], zero(), nans);
  }
  if (reduce_add(nans) != 0.0f) {
    memset(out, 0, Q8Head::kBlock);
    return kNanF16;
  }
  const uint16_t bits = scale_bits(reduce_max(top));
  uint16_t same[F32::kLanes];
  for (uint16_t& half : same) half = bits;
  const F32 inverse = broadcast(1.0f) / load_f16(same);
  float whole[Q8Head::kBlock];
  for (int v = 0; v < kVectors; ++v) {
    store(whole + v * F32::kLanes, saturate(round_nearest(part[v] * inverse), 127.0f));
  }
  for (int i = 0; i < Q8Head::kBlock; ++i) out[i] = static_cast<int8_t>(whole[i]);
  return bits;
}

// put(first dimension, count, numbers) for each block.
template <typename Put>
OVERTAKE_INLINE void put_blocks(const float* x, const PageSlot& at, std::byte* page, Put put) {
  const Q8Head head = {at.head_dim};
  uint16_t* scales = reinterpret_cast<uint16_t*>(page + head.number_bytes());
  for (int b = 0; b < head.n_blocks(); ++b) {
    const int first = b * Q8Head::kBlock;
    const int left = at.head_dim - first;
    const int padded = head.width() - first;
    int8_t numbers[Q8Head::kBlock];
    scales[b * kPageTokens + at.slot] =
        quantize_block(x + first, left < Q8Head::kBlock ? left : Q8Head::kBlock, numbers);
    put(first, padded < Q8Head::kBlock ? padded : Q8Head::kBlock, numbers);
  }
}

inline void store_key(const float* x, const PageSlot& at, std::byte* keys) {
  if (at.type == KvType::kF32) {
    float* to = reinterpret_cast<float*>(keys) + at.slot;
    for (int i = 0; i < at.head_dim; ++i) to[i * kPageTokens] = x[i];
  } else if (at.type == KvType::kF16) {
    uint16_t* to = reinterpret_cast<uint16_t*>(keys) + at.slot;
    put_halves(x, at.head_dim, [&](int first, int count, const uint16_t* half) {
      for (int i = 0; i < count; ++i) to[(first + i) * kPageTokens] = half[i];
    });
  } else {
    int8_t* to = reinterpret_cast<int8_t*>(keys) + at.slot * 2;
    put_blocks(x, at, keys, [&](int first, int count, const int8_t* numbers) {
      for (int i = 0; i < count; i += 2) {
        memcpy(to + (first + i) * kPageTokens, numbers + i, 2);
      }
    });
  }
}

inline void store_value(const float* x, const PageSlot& at, std::byte* values) {
  if (at.type == KvType::kF32) {
    float* to = reinterpret_cast<float*>(values) + at.slot * at.head_dim;
    memcpy(to, x, static_cast<size_t>(at.head_dim) * sizeof(float));
  } else if (at.type == KvType::kF16) {
    uint16_t* to = reinterpret_cast<uint16_t*>(values) + at.slot * at.head_dim;
    put_halves(x, at.head_dim, [&](int first, int count, const uint16_t* half) {
      memcpy(to + first, half, static_cast<size_t>(count) * sizeof *half);
    });
  } else {
    int8_t* to = reinterpret_cast<int8_t*>(values) + at.slot * Q8Head{at.head_dim}.width();
    put_blocks(x, at, values, [&](int first, int count, const int8_t* numbers) {
      memcpy(to + first, numbers, static_cast<size_t>(count));
    });
  }
}

// 15 bits and a sign: dots of them with 8-bit keys fit 32 bits over a block, and what they lose is
// far below what the keys have lost.
inline float quantize_query(const float* x, int head_dim, int16_t* out) {
  constexpr float kMost = 32767.0f;
  F32 top = zero(), not_finite = zero();
  for (int i = 0; i < head_dim; i += F32::kLanes) {
    const F32 part = load_lanes(x + i, lanes_left(head_dim, i));
    top = max(top, abs(part));
    not_finite = fma(part, zero(), not_finite);
  }
  const float largest = reduce_max(top);
  const bool finite = reduce_add(not_finite) == 0.0f;
  // Below the least, 1 / scale would be infinite.
  const float factor = finite && largest > 1e-30f ? kMost / largest : 0.0f;
  const int padded = pad_lanes(head_dim);
  for (int i = 0; i < padded; i += F32::kLanes) {
    float whole[F32::kLanes];
    const int left = head_dim - i;
    const int count = left < 0 ? 0 : left < F32::kLanes ? left : F32::kLanes;
    const F32 part = load_part(x + (count > 0 ? i : 0), count) * broadcast(factor);
    store(whole, factor > 0 ? saturate(round_nearest(part), kMost) : zero());
    for (int lane = 0; lane < F32::kLanes; ++lane) {
      out[i + lane] = static_cast<int16_t>(whole[lane]);
    }
  }
  return finite ? largest / kMost : std::numeric_limits<float>::quiet_NaN();
}
