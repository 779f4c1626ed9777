// Quantization of activations, float weights times f32 activations, and putting sums away. Included
// after simd_<isa>.inl.h and matmul_bytes_<isa>.inl.h.

// The whole numbers nearest to 32 products with `inverse`.
OVERTAKE_INLINE void quantize_block(const float* x, float inverse, int8_t* codes) {
  const F32 top = broadcast(127.0f);
  const F32 bottom = broadcast(-127.0f);
  OVERTAKE_UNROLL
  for (int j = 0; j < kBlockK; j += F32::kLanes) {
    const F32 code = min(max(load(x + j) * broadcast(inverse), bottom), top);
    store_i8(codes + j, round_nearest(code));
  }
}

// x minus what its codes stand for.
OVERTAKE_INLINE void subtract_codes(const float* x, const int8_t* codes, float scale, float* rest) {
  OVERTAKE_UNROLL
  for (int j = 0; j < kBlockK; j += F32::kLanes) {
    const F32 code = load_i8(reinterpret_cast<const uint8_t*>(codes + j));
    store(rest + j, load(x + j) - code * broadcast(scale));
  }
}

// The largest magnitude that a block may have without getting fine codes.
OVERTAKE_INLINE float coarse_limit(const float* x, int64_t n_blocks, FineCodes which) {
  if (which == FineCodes::kAll) return -1;
  float sum = 0;  // one after another, as all instruction sets can
  for (int64_t i = 0; i < n_blocks; ++i) sum += abs_max_32(x + i * kBlockK);
  return kOutlier * (sum / static_cast<float>(n_blocks));
}

// Symmetric: scale = max |x| / 127, coarse codes rounded to nearest; then fine ones of what that
// left, in steps of 2^-fine_bits. Every operation is IEEE's own, so all instruction sets agree to
// the last bit. A block with NaN or infinity gets that as its scale.
void quantize_row(const float* x, int64_t n_blocks, int fine_bits, FineCodes which,
                  const QuantizedRow& row) {
  // Below, the inverse of a fine step is not a number any more.
  constexpr float kSmallest = 1e-30f;
  const int32_t ratio = 1 << fine_bits;
  const float limit = coarse_limit(x, n_blocks, which);
  QuantizedRow out = row;
  alignas(64) float rest[kBlockK];
  for (int64_t i = 0; i < n_blocks; ++i, x += kBlockK) {
    const float largest = abs_max_32(x);
    const float inverse = largest > kSmallest ? 127.0f / largest : 0.0f;
    const float scale = largest / 127.0f;
    int8_t* fine = out.codes + kBlockK;
    quantize_block(x, inverse, out.codes);
    if (largest > limit) {
      subtract_codes(x, out.codes, scale, rest);
      quantize_block(rest, inverse * static_cast<float>(ratio), fine);
      out.fine_rows[i] = static_cast<uint16_t>(out.fine_rows[i] | out.bit);
    } else {
      std::memset(fine, 0, kBlockK);
    }
    *out.scale = scale / static_cast<float>(ratio);
    out.half_sums[0] = sum_16(out.codes) * ratio + sum_16(fine);
    out.half_sums[1] = sum_16(out.codes + 16) * ratio + sum_16(fine + 16);
    out.codes += out.height * kRowBlock;
    out.scale += out.height;
    out.half_sums += out.height * 2;
  }
}

template <FloatForm kForm>
OVERTAKE_INLINE F32 load_weights(const uint8_t* p) {
  if constexpr (kForm == FloatForm::kF32) return load(reinterpret_cast<const float*>(p));
  if constexpr (kForm == FloatForm::kF16) return load_f16(reinterpret_cast<const uint16_t*>(p));
  if constexpr (kForm == FloatForm::kBf16) return load_bf16(reinterpret_cast<const uint16_t*>(p));
}

// sum = fma(w[k], x[k], sum) for k = 0, 1, ...
template <FloatForm kForm, int kRows>
void multiply_float(const uint8_t* tile, int64_t n_k, const float* x, float* sums) {
  constexpr int kStep = F32::kLanes * (kForm == FloatForm::kF32 ? 4 : 2);
  F32 sum[kRows];
  for (F32& s : sum) s = zero();
  for (int64_t k = 0; k < n_k; ++k, tile += kStep, x += kRows) {
    StreamAhead{}.fetch<1>(tile);
    const F32 w = load_weights<kForm>(tile);
    OVERTAKE_UNROLL
    for (int r = 0; r < kRows; ++r) sum[r] = fma(w, broadcast(x[r]), sum[r]);
  }
  for (int r = 0; r < kRows; ++r) store(sums + r * F32::kLanes, sum[r]);
}

template <FloatForm kForm>
constexpr FloatKernels make_float_kernels() {
  return {kForm,
          {multiply_float<kForm, 1>, multiply_float<kForm, 2>, multiply_float<kForm, 3>,
           multiply_float<kForm, 4>, multiply_float<kForm, 5>, multiply_float<kForm, 6>,
           multiply_float<kForm, 7>, multiply_float<kForm, 8>}};
}

constexpr FloatKernels float_kernels[] = {make_float_kernels<FloatForm::kF32>(),
                                          make_float_kernels<FloatForm::kF16>(),
                                          make_float_kernels<FloatForm::kBf16>()};

// `put(y, value)` stores the sums of each row.
template <typename Put>
OVERTAKE_INLINE void for_each_row(const float* sums, const TileOutput& out, F32 bias, Put put) {
  float* y = out.y;
  for (int64_t r = 0; r < out.n_rows; ++r, y += out.stride, sums += F32::kLanes) {
    put(y, load(sums) + bias);
  }
}

void put_sums(const float* sums, const TileOutput& out) {
  const int64_t n = out.n_cols;
  const bool whole = n == F32::kLanes;
  // Adding -0 changes nothing, not even the sign of a zero.
  const F32 bias = out.bias ? load_part(out.bias, n) : broadcast(-0.0f);
  if (whole && out.accumulate) {
    for_each_row(sums, out, bias,
                 [](float* y, F32 v) OVERTAKE_INLINE_LAMBDA { store(y, load(y) + v); });
  } else if (whole) {
    for_each_row(sums, out, bias, [](float* y, F32 v) OVERTAKE_INLINE_LAMBDA { store(y, v); });
  } else if (out.accumulate) {
    for_each_row(sums, out, bias, [n](float* y, F32 v) OVERTAKE_INLINE_LAMBDA {
      store_part(y, load_part(y, n) + v, n);
    });
  } else {
    for_each_row(sums, out, bias,
                 [n](float* y, F32 v) OVERTAKE_INLINE_LAMBDA { store_part(y, v, n); });
  }
}
