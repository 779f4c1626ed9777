// F32 in plain C++: one lane. The reference that the vector instruction sets are held against, and
// what a processor without AVX2 runs. See simd_avx512.inl.h for what each function means.

struct F32 {
  static constexpr int kLanes = 1;
  float v;
};

constexpr int kTileRegisters = 8;

OVERTAKE_INLINE F32 zero() { return {0.0f}; }
OVERTAKE_INLINE F32 broadcast(float x) { return {x}; }
OVERTAKE_INLINE F32 load(const float* p) { return {*p}; }
OVERTAKE_INLINE void store(float* p, F32 a) { *p = a.v; }
OVERTAKE_INLINE F32 load_part(const float* p, int64_t n) { return {n > 0 ? *p : 0.0f}; }
OVERTAKE_INLINE void store_part(float* p, F32 a, int64_t n) {
  if (n > 0) *p = a.v;
}

OVERTAKE_INLINE F32 operator+(F32 a, F32 b) { return {a.v + b.v}; }
OVERTAKE_INLINE F32 operator-(F32 a, F32 b) { return {a.v - b.v}; }
OVERTAKE_INLINE F32 operator*(F32 a, F32 b) { return {a.v * b.v}; }
OVERTAKE_INLINE F32 operator/(F32 a, F32 b) { return {a.v / b.v}; }
OVERTAKE_INLINE F32 fma(F32 a, F32 b, F32 c) { return {a.v * b.v + c.v}; }
OVERTAKE_INLINE F32 max(F32 a, F32 b) { return {a.v > b.v ? a.v : b.v}; }
OVERTAKE_INLINE F32 min(F32 a, F32 b) { return {a.v < b.v ? a.v : b.v}; }
OVERTAKE_INLINE F32 abs(F32 a) { return {std::fabs(a.v)}; }
OVERTAKE_INLINE F32 copy_sign(F32 magnitude, F32 sign) {
  return {std::copysign(magnitude.v, sign.v)};
}
OVERTAKE_INLINE F32 round_nearest(F32 a) { return {std::nearbyint(a.v)}; }
OVERTAKE_INLINE F32 select_bits(uint32_t bits, F32 yes, F32 no) { return bits & 1 ? yes : no; }
OVERTAKE_INLINE F32 select_less(F32 a, F32 b, F32 yes, F32 no) { return a.v < b.v ? yes : no; }
OVERTAKE_INLINE F32 keep_first(F32 a, int64_t n) { return n > 0 ? a : zero(); }
OVERTAKE_INLINE F32 scale_by_power(F32 a, F32 n) {
  return std::isnan(n.v) ? a : F32{std::ldexp(a.v, static_cast<int>(n.v))};
}

OVERTAKE_INLINE float reduce_add(F32 a) { return a.v; }
OVERTAKE_INLINE float reduce_max(F32 a) { return a.v; }

OVERTAKE_INLINE float from_bits(uint32_t bits) {
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
// IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10.
inline float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 31) return from_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}
// Rounds to nearest, ties to even.
inline uint16_t float_to_half(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::fabs(x);
  if (!(magnitude == magnitude)) return sign | 0x7e00;
  if (magnitude >= 65520.0f) return sign | 0x7c00;
  if (magnitude < 0x1p-14f) {
    return sign | static_cast<uint16_t>(std::nearbyint(magnitude * 0x1p24f));
  }
  bits &= 0x7fffffff;
  bits += 0xfff + (bits >> 13 & 1);
  return sign | static_cast<uint16_t>((bits >> 13) - (112 << 10));
}

OVERTAKE_INLINE F32 load_f16(const uint16_t* p) { return {half_to_float(*p)}; }
OVERTAKE_INLINE F32 load_f16_part(const uint16_t* p, int64_t n) {
  return {n > 0 ? half_to_float(*p) : 0.0f};
}
OVERTAKE_INLINE void store_f16(uint16_t* p, F32 a) { *p = float_to_half(a.v); }
OVERTAKE_INLINE F32 load_i8(const int8_t* p) { return {static_cast<float>(*p)}; }
struct PairSum {
  int32_t v;
};
struct Pairs {
  int32_t low;
  int32_t high;
};
OVERTAKE_INLINE PairSum zero_pair_sum() { return {0}; }
OVERTAKE_INLINE Pairs load_pairs(const int8_t* p) { return {p[0], p[1]}; }
OVERTAKE_INLINE Pairs broadcast_pair(const int16_t* p) { return {p[0], p[1]}; }
OVERTAKE_INLINE PairSum add_dots(PairSum sum, Pairs a, Pairs b) {
  return {sum.v + a.low * b.low + a.high * b.high};
}
OVERTAKE_INLINE F32 to_f32(PairSum a) { return {static_cast<float>(a.v)}; }
OVERTAKE_INLINE F32 load_bf16(const uint16_t* p) {
  return {from_bits(static_cast<uint32_t>(*p) << 16)};
}
OVERTAKE_INLINE F32 load_bf16_part(const uint16_t* p, int64_t n) {
  return n > 0 ? load_bf16(p) : zero();
}
