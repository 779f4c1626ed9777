// Elementary functions on F32, to about 2 ulp. Included inside an ISA region and its namespace.

// Range reduction by ln 2 in two parts and a minimax polynomial (Cephes' expf, Moshier 1992).
// exp(inf) is inf, NaN stays NaN, and below -87 it is 0: results that are not normal numbers take
// processors a hundred times longer, and masked scores are the common case of them.
OVERTAKE_INLINE F32 exp(F32 x) {
  const F32 lowest = broadcast(-87.0f);
  const F32 y = min(broadcast(89.0f), max(lowest, x));
  const F32 n = round_nearest(y * broadcast(1.44269504088896341f));
  F32 r = fma(n, broadcast(-0.693359375f), y);
  r = fma(n, broadcast(2.12194440e-4f), r);
  F32 p = broadcast(1.9875691500e-4f);
  p = fma(p, r, broadcast(1.3981999507e-3f));
  p = fma(p, r, broadcast(8.3334519073e-3f));
  p = fma(p, r, broadcast(4.1665795894e-2f));
  p = fma(p, r, broadcast(1.6666665459e-1f));
  p = fma(p, r, broadcast(5.0000001201e-1f));
  const F32 value = scale_by_power(fma(p, r * r, r) + broadcast(1.0f), n);
  return select_less(x, lowest, zero(), value);
}

// Up to 1: z P(z^2); beyond: 1 - exp(Q(z)). P and Q are least-maximum fits, each off by 1e-9.
OVERTAKE_INLINE F32 erf(F32 x) {
  const F32 z = min(broadcast(4.0f), abs(x));
  const F32 s = z * z;
  F32 p = broadcast(7.889119297033176e-5f);
  p = fma(p, s, broadcast(-8.020841050893068e-4f));
  p = fma(p, s, broadcast(5.189535208046436e-3f));
  p = fma(p, s, broadcast(-2.6854444295167923e-2f));
  p = fma(p, s, broadcast(1.1283600330352783e-1f));
  p = fma(p, s, broadcast(-3.761262595653534e-1f));
  p = fma(p, s, broadcast(1.1283791065216064f));
  F32 q = broadcast(1.855748996604234e-4f);
  q = fma(q, z, broadcast(-2.9396156314760447e-3f));
  q = fma(q, z, broadcast(2.1805351600050926e-2f));
  q = fma(q, z, broadcast(-1.0303743183612823e-1f));
  q = fma(q, z, broadcast(-6.382256150245667e-1f));
  q = fma(q, z, broadcast(-1.1270400285720825f));
  q = fma(q, z, broadcast(-3.5370892146602273e-4f));
  const F32 one = broadcast(1.0f);
  return copy_sign(select_less(z, one, p * z, one - exp(q)), x);
}

OVERTAKE_INLINE F32 silu(F32 x) { return x / (broadcast(1.0f) + exp(zero() - x)); }

// x Phi(x).
OVERTAKE_INLINE F32 gelu(F32 x) {
  const F32 half = broadcast(0.5f);
  return x * fma(half, erf(x * broadcast(0.70710678118654752f)), half);
}

// x / 2 (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
OVERTAKE_INLINE F32 gelu_tanh(F32 x) {
  const F32 cubic = fma(x * x * broadcast(0.044715f), x, x);
  return x / (broadcast(1.0f) + exp(cubic * broadcast(-1.5957691216057308f)));
}
