// Kernels that go over one row: norms and activations. Included inside an ISA region and its
// namespace. Sums run in four vectors of lanes, so their order is fixed by the length alone.

// Sum of term(load(i)) over the row; term of an absent lane counts as zero.
template <typename Term>
OVERTAKE_INLINE float sum_row(const float* x, int64_t n, const Term& term) {
  constexpr int kStep = 4 * F32::kLanes;
  F32 sum[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    for (int part = 0; part < 4; ++part) {
      sum[part] = term(load(x + i + part * F32::kLanes), sum[part]);
    }
  }
  for (int part = 0; i < n; i += F32::kLanes, ++part) {
    const int64_t count = n - i < F32::kLanes ? n - i : F32::kLanes;
    sum[part] = sum[part] + keep_first(term(load_part(x + i, count), zero()), count);
  }
  return reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

// out[i] = f(i, count): `count` lanes from i on.
template <typename F>
OVERTAKE_INLINE void map_row(float* out, int64_t n, const F& f) {
  int64_t i = 0;
  for (; i + F32::kLanes <= n; i += F32::kLanes) store(out + i, f.whole(i));
  if (i < n) store_part(out + i, f.part(i, n - i), n - i);
}

struct SumTerm {
  OVERTAKE_INLINE F32 operator()(F32 x, F32 sum) const { return sum + x; }
};
struct SquareTerm {
  F32 mean;
  OVERTAKE_INLINE F32 operator()(F32 x, F32 sum) const { return fma(x - mean, x - mean, sum); }
};

struct Scale {
  const float* x;
  const float* weight;
  F32 factor;
  OVERTAKE_INLINE F32 whole(int64_t i) const { return load(x + i) * factor * load(weight + i); }
  OVERTAKE_INLINE F32 part(int64_t i, int64_t n) const {
    return load_part(x + i, n) * factor * load_part(weight + i, n);
  }
};

inline void rms_norm(const float* x, const NormRow& norm, float* out, int64_t n) {
  const float mean_square = sum_row(x, n, SquareTerm{zero()}) / static_cast<float>(n);
  const float factor = 1.0f / std::sqrt(mean_square + norm.epsilon);
  map_row(out, n, Scale{x, norm.weight, broadcast(factor)});
}

struct Centre {
  const float* x;
  const float* weight;
  const float* bias;  // or null
  F32 mean;
  F32 factor;
  OVERTAKE_INLINE F32 whole(int64_t i) const {
    const F32 shift = bias ? load(bias + i) : zero();
    return fma((load(x + i) - mean) * factor, load(weight + i), shift);
  }
  OVERTAKE_INLINE F32 part(int64_t i, int64_t n) const {
    const F32 shift = bias ? load_part(bias + i, n) : zero();
    return fma((load_part(x + i, n) - mean) * factor, load_part(weight + i, n), shift);
  }
};

inline void layer_norm(const float* x, const NormRow& norm, float* out, int64_t n) {
  const float mean = sum_row(x, n, SumTerm{}) / static_cast<float>(n);
  const float variance = sum_row(x, n, SquareTerm{broadcast(mean)}) / static_cast<float>(n);
  const float factor = 1.0f / std::sqrt(variance + norm.epsilon);
  map_row(out, n, Centre{x, norm.weight, norm.bias, broadcast(mean), broadcast(factor)});
}

using Function = F32 (*)(F32);

template <Function function>
struct Apply {
  const float* x;
  const float* up;  // multiplies the result; or null
  OVERTAKE_INLINE F32 whole(int64_t i) const {
    const F32 y = function(load(x + i));
    return up ? y * load(up + i) : y;
  }
  OVERTAKE_INLINE F32 part(int64_t i, int64_t n) const {
    const F32 y = function(load_part(x + i, n));
    return up ? y * load_part(up + i, n) : y;
  }
};

inline void gate(Activation activation, const float* x, const float* up, float* out, int64_t n) {
  switch (activation) {
    case Activation::kSilu:
      return map_row(out, n, Apply<silu>{x, up});
    case Activation::kGelu:
      return map_row(out, n, Apply<gelu>{x, up});
    case Activation::kGeluTanh:
      return map_row(out, n, Apply<gelu_tanh>{x, up});
  }
}

struct ScaleAndAdd {
  const float* x;
  const ScaleRow& by;
  OVERTAKE_INLINE F32 whole(int64_t i) const {
    F32 y = load(x + i) * load(by.scale + i);
    if (by.bias) y = y + load(by.bias + i);
    return by.add ? y + load(by.add + i) : y;
  }
  OVERTAKE_INLINE F32 part(int64_t i, int64_t n) const {
    F32 y = load_part(x + i, n) * load_part(by.scale + i, n);
    if (by.bias) y = y + load_part(by.bias + i, n);
    return by.add ? y + load_part(by.add + i, n) : y;
  }
};

inline void scale_row(const float* x, const ScaleRow& by, float* out, int64_t n) {
  map_row(out, n, ScaleAndAdd{x, by});
}

inline void exp_row(const float* x, float* out, int64_t n) {
  map_row(out, n, Apply<exp>{x, nullptr});
}

const RowKernels row_kernels = {rms_norm, layer_norm, gate, scale_row, exp_row};
