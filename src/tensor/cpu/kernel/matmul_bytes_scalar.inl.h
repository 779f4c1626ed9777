// Four codes and one 32-bit sum in plain C++: a vector of one lane. Included after
// simd_scalar.inl.h.

constexpr int kVectorBytes = 4;
constexpr int kByteZero = 0;

struct Bytes {
  uint32_t v;
};
struct I32 {
  int32_t v;
};

OVERTAKE_INLINE Bytes load_bytes(const uint8_t* p) {
  Bytes out;
  std::memcpy(&out.v, p, sizeof out.v);
  return out;
}
OVERTAKE_INLINE void store_bytes(uint8_t* p, Bytes a) { std::memcpy(p, &a.v, sizeof a.v); }
OVERTAKE_INLINE Bytes operator|(Bytes a, Bytes b) { return {a.v | b.v}; }
template <int kRight, uint8_t kMask>
OVERTAKE_INLINE Bytes shift_and_mask(Bytes a) {
  constexpr int kLeft = kRight < 0 ? -kRight : 0;
  const uint32_t shifted = a.v << kLeft >> (kRight + kLeft);
  return {shifted & (0x01010101u * kMask)};
}
OVERTAKE_INLINE Bytes center_bytes(Bytes a) { return a; }
// table[code] of each byte, whose codes are below 16.
OVERTAKE_INLINE Bytes look_up(const Levels& table, Bytes codes) {
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i) out |= uint32_t{table.data()[codes.v >> (8 * i) & 15]} << (8 * i);
  return {out};
}

OVERTAKE_INLINE I32 broadcast_i32(int32_t x) { return {x}; }
template <int kBits>
OVERTAKE_INLINE I32 shift_left(I32 a) {
  return {static_cast<int32_t>(static_cast<uint32_t>(a.v) << kBits)};
}
OVERTAKE_INLINE I32 operator+(I32 a, I32 b) { return {a.v + b.v}; }
OVERTAKE_INLINE F32 to_f32(I32 a) { return {static_cast<float>(a.v)}; }
OVERTAKE_INLINE F32 scaled_dot(I32 dot, F32 scale, F32) {
  return {static_cast<float>(dot.v - kDotBias) * scale.v};
}
OVERTAKE_INLINE F32 load_i8(const uint8_t* p) {
  return {static_cast<float>(static_cast<int8_t>(*p))};
}
OVERTAKE_INLINE F32 load_u8(const uint8_t* p) { return {static_cast<float>(*p)}; }

template <int kBits, int kQuads, int kRows>
OVERTAKE_INLINE void add_dots(const Bytes* w, const int8_t* x, I32 (&dot)[kRows]) {
  for (int r = 0; r < kRows; ++r, x += kRowBlock) {
    for (int i = 0; i < 4 * kQuads; ++i) {
      dot[r].v += static_cast<int32_t>(w[i / 4].v >> (8 * (i % 4)) & 0xff) * x[i];
    }
  }
}

OVERTAKE_INLINE float abs_max_32(const float* x) {
  uint32_t most = 0;
  for (int i = 0; i < kBlockK; ++i) {
    uint32_t bits;
    std::memcpy(&bits, x + i, sizeof bits);
    most = std::max(most, bits & 0x7fffffff);
  }
  return from_bits(most);
}
OVERTAKE_INLINE void store_i8(int8_t* p, F32 a) { *p = static_cast<int8_t>(a.v); }
OVERTAKE_INLINE int32_t sum_16(const int8_t* p) {
  int32_t sum = 0;
  for (int i = 0; i < 16; ++i) sum += p[i];
  return sum;
}
