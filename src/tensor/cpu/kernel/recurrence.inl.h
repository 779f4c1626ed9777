// Causal convolution and selective scan. Included inside an ISA region and its namespace. Rows are
// taken one after another, and every sum has a fixed order, so a row's result does not depend on
// how a sequence is cut into chunks.

// One vector of channels, `count` of them.
OVERTAKE_INLINE F32 load_count(const float* p, int64_t count) {
  return count >= F32::kLanes ? load(p) : load_part(p, count);
}
OVERTAKE_INLINE void store_count(float* p, F32 a, int64_t count) {
  count >= F32::kLanes ? store(p, a) : store_part(p, a, count);
}

// The inputs behind the convolution's next row: what the state holds, then the rows before it.
OVERTAKE_INLINE const float* conv_input(const ConvTask& task, int64_t row) {
  return row < 0 ? task.state.row(task.n_taps - 1 + row) : task.x.row(row);
}

inline void conv_rows(const ConvTask& task) {
  const float* inputs[kMaxConvTaps];
  for (int64_t row = 0; row < task.n_rows; ++row) {
    for (int64_t k = 0; k < task.n_taps; ++k) {
      inputs[k] = conv_input(task, row - task.n_taps + 1 + k);
    }
    float* out = task.out.row(row);
    for (int64_t i = 0; i < task.n_channels; i += F32::kLanes) {
      const int64_t count = task.n_channels - i;
      F32 sum = task.bias ? load_count(task.bias + i, count) : zero();
      for (int64_t k = 0; k < task.n_taps; ++k) {
        sum = fma(load_count(task.weight.row(k) + i, count), load_count(inputs[k] + i, count), sum);
      }
      store_count(out + i, silu(sum), count);
    }
  }
  // Ascending, so that a row of the state is read before it is overwritten.
  for (int64_t k = 0; k + 1 < task.n_taps; ++k) {
    const float* from = conv_input(task, task.n_rows - task.n_taps + 1 + k);
    if (from == task.state.row(k)) continue;
    memcpy(task.state.row(k), from, static_cast<size_t>(task.n_channels) * sizeof(float));
  }
}

// log(1 + u) for 0 <= u <= 1: 2 artanh(u / (2 + u)) by its series, off by 2e-9 of the result.
OVERTAKE_INLINE F32 log1p_unit(F32 u) {
  const F32 s = u / (u + broadcast(2.0f));
  const F32 q = s * s;
  F32 p = broadcast(2.0f / 15);
  p = fma(p, q, broadcast(2.0f / 13));
  p = fma(p, q, broadcast(2.0f / 11));
  p = fma(p, q, broadcast(2.0f / 9));
  p = fma(p, q, broadcast(2.0f / 7));
  p = fma(p, q, broadcast(2.0f / 5));
  p = fma(p, q, broadcast(2.0f / 3));
  return fma(p * q, s, s + s);
}

// log(1 + exp(x)). NaN stays NaN.
OVERTAKE_INLINE F32 softplus(F32 x) { return max(x, zero()) + log1p_unit(exp(zero() - abs(x))); }

struct Steps {
  const float* step;
  const float* bias;  // or null
  F32 low, high;
  // The clamp keeps NaN: min and max return their second argument where the first is NaN.
  OVERTAKE_INLINE F32 clamp(F32 x) const { return min(high, max(low, softplus(x))); }
  OVERTAKE_INLINE F32 whole(int64_t i) const {
    return clamp(bias ? load(step + i) + load(bias + i) : load(step + i));
  }
  OVERTAKE_INLINE F32 part(int64_t i, int64_t n) const {
    const F32 x = load_part(step + i, n);
    return clamp(bias ? x + load_part(bias + i, n) : x);
  }
};

inline void make_steps(float* step, const float* bias, float low, float high, int64_t n) {
  map_row(step, n, Steps{step, bias, broadcast(low), broadcast(high)});
}

struct ExpOfProduct {
  const float* a;
  const float* b;
  OVERTAKE_INLINE F32 whole(int64_t i) const { return exp(load(a + i) * load(b + i)); }
  OVERTAKE_INLINE F32 part(int64_t i, int64_t n) const {
    return exp(load_part(a + i, n) * load_part(b + i, n));
  }
};

inline void make_decays(const float* a, const float* b, float* out, int64_t n) {
  map_row(out, n, ExpOfProduct{a, b});
}

// y + skip x, gated, to the row's output.
OVERTAKE_INLINE void finish_scan(const ScanTask& task, int64_t row, int64_t at, F32 y) {
  const int64_t count = task.n_channels - at;
  if (count <= 0) return;
  const F32 x = load_count(task.x.row(row) + at, count);
  F32 out = fma(load_count(task.skip + at, count), x, y);
  if (task.gate.data) out = out * silu(load_count(task.gate.row(row) + at, count));
  store_count(task.out.row(row) + at, out, count);
}

// `kVectors` vectors of channels from `at` on, which lie `kLines` vectors to a block.
template <int kVectors>
OVERTAKE_INLINE void scan_head_part(const ScanTask& task, int64_t at) {
  constexpr int kInBlock = kChannelBlock / F32::kLanes;
  constexpr int kSums = 2;  // over even and odd state dimensions: two chains of additions
  float* state[kVectors];
  OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
    const int64_t vector = at / F32::kLanes + v;
    state[v] = task.state + vector / kInBlock * task.d_state * kChannelBlock +
               vector % kInBlock * F32::kLanes;
  }
  for (int64_t row = 0; row < task.n_rows; ++row) {
    const F32 decay = broadcast(*task.decay.row(row));
    const F32 step = broadcast(*task.step.row(row));
    const float* b = task.b.row(row);
    const float* c = task.c.row(row);
    F32 input[kVectors], y[kVectors][kSums];
    OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
      const int64_t from = at + v * F32::kLanes;
      const int64_t left = task.n_channels - from;
      input[v] = step * load_count(task.x.row(row) + from, left < 0 ? 0 : left);
      OVERTAKE_UNROLL for (int s = 0; s < kSums; ++s) y[v][s] = zero();
    }
    const auto take = [&](int n, int s) OVERTAKE_INLINE_LAMBDA {
      const F32 in = broadcast(b[n]), out = broadcast(c[n]);
      OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
        float* p = state[v] + n * kChannelBlock;
        const F32 h = fma(load(p), decay, input[v] * in);
        store(p, h);
        y[v][s] = fma(h, out, y[v][s]);
      }
    };
    int n = 0;
    for (; n + kSums <= task.d_state; n += kSums) {
      OVERTAKE_UNROLL for (int s = 0; s < kSums; ++s) take(n + s, s);
    }
    for (; n < task.d_state; ++n) take(n, 0);
    OVERTAKE_UNROLL for (int v = 0; v < kVectors; ++v) {
      finish_scan(task, row, at + v * F32::kLanes, y[v][0] + y[v][1]);
    }
  }
}

inline void scan_heads(const ScanTask& task) {
  constexpr int kVectors = F32::kLanes > 1 ? 32 / F32::kLanes : kChannelBlock;
  int64_t at = 0;
  for (; at + kVectors * F32::kLanes <= task.n_channels; at += kVectors * F32::kLanes) {
    scan_head_part<kVectors>(task, at);
  }
  for (; at < task.n_channels; at += F32::kLanes) scan_head_part<1>(task, at);
}

// 2^y for y <= 0, off by 1.8e-7, and by far less near 0, where decays of a long memory are; a
// least-maximum fit with p(0) = 1. Not below 2^-126. NaN stays NaN.
OVERTAKE_INLINE F32 exp2_decay(F32 y) {
  y = max(broadcast(-126.0f), y);
  const F32 n = round_nearest(y);
  const F32 r = y - n;
  F32 p = broadcast(1.333741372e-3f);
  p = fma(p, r, broadcast(9.668166665e-3f));
  p = fma(p, r, broadcast(5.550490489e-2f));
  p = fma(p, r, broadcast(2.402230303e-1f));
  p = fma(p, r, broadcast(6.931471361e-1f));
  return scale_by_power(fma(p, r, broadcast(1.0f)), n);
}

// One vector of channels from `at` on, where each has a decay for each state dimension.
OVERTAKE_INLINE void scan_channel_row(const ScanTask& task, int64_t row, int64_t at) {
  const int64_t count = task.n_channels - at;
  const int64_t line = at / kChannelBlock * task.d_state * kChannelBlock + at % kChannelBlock;
  float* state = task.state + line;
  const float* a = task.channel_decay + line;
  const F32 step = load_count(task.step.row(row) + at, count);
  const F32 power = step * broadcast(1.44269504088896341f);
  const F32 input = step * load_count(task.x.row(row) + at, count);
  const float* b = task.b.row(row);
  const float* c = task.c.row(row);
  F32 y = zero();
  for (int n = 0; n < task.d_state; ++n) {
    const F32 decay = exp2_decay(power * load(a + n * kChannelBlock));
    const F32 h = fma(load(state + n * kChannelBlock), decay, input * broadcast(b[n]));
    store(state + n * kChannelBlock, h);
    y = fma(h, broadcast(c[n]), y);
  }
  finish_scan(task, row, at, y);
}

inline void scan_channels(const ScanTask& task) {
  for (int64_t row = 0; row < task.n_rows; ++row) {
    // Rows lie too far apart for the processor to foresee the next.
    const int64_t ahead = row + 2 < task.n_rows ? row + 2 : row;
    for (int64_t at = 0; at < task.n_channels; at += kChannelBlock) {
      __builtin_prefetch(task.x.row(ahead) + at);
      __builtin_prefetch(task.step.row(ahead) + at);
      if (task.gate.data) __builtin_prefetch(task.gate.row(ahead) + at);
      __builtin_prefetch(task.out.row(ahead) + at, 1);
    }
    for (int64_t at = 0; at < task.n_channels; at += F32::kLanes) scan_channel_row(task, row, at);
  }
}

const RecurrenceKernels recurrence_kernels = {conv_rows, make_steps, make_decays, scan_heads,
                                              scan_channels};
