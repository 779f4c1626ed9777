// Integer weights times int8 activations, on the Bytes and I32 of matmul_bytes_<isa>.inl.h and the
// F32 of simd_<isa>.inl.h. Included inside an ISA region and its namespace.
//
// For each block of 32 along K, each of its one or two groups, and each row and output:
//   sum = fma(dot(code - zero, x) * scale, x_scale, sum)
//   sum = fma(min, -sum(x) * x_scale, sum)
// where x = coarse * 2^fine_bits + fine. The dot is an exact integer, so any instructions that
// compute it give one result. It is added to kDotBias, which are the bits of the float 1.5 * 2^23:
// below 2^22 in magnitude, it makes the bits of the float 1.5 * 2^23 + dot, and conversion and
// product with the scale are one fma. That is exact: the scale has 11 + 7 bits, so 1.5 * 2^23 *
// scale is a float. A code's distance from zero is at most 2^bits - 1, with groups of 16 (6
// bits) 32.
static_assert(32 * 31 * (127 * 8 + 4) < 1 << 22 && 32 * 15 * (127 * 16 + 8) < 1 << 22);
static_assert(16 * 32 * (127 * 32 + 16) < 1 << 22);

// Vector j of a plane: its part kPart goes to quad kPart * kPlane + j, and on with the later parts.
template <int kPlane, int kShift, int kPart>
OVERTAKE_INLINE void add_parts(Bytes plane, int j, Bytes (&w)[8]) {
  if constexpr (kPart < 8 / kPlane) {
    constexpr uint8_t kMask = static_cast<uint8_t>(((1 << kPlane) - 1) << kShift);
    const Bytes bits = shift_and_mask<kPart * kPlane - kShift, kMask>(plane);
    Bytes& out = w[kPart * kPlane + j];
    out = kShift == 0 ? bits : out | bits;
    add_parts<kPlane, kShift, kPart + 1>(plane, j, w);
  }
}

// Adds the code bits from kShift on that a plane of kPlane bits holds. See IntegerLayout.
template <int kPlane, int kShift>
OVERTAKE_INLINE void add_plane(const uint8_t* p, Bytes (&w)[8]) {
  OVERTAKE_UNROLL
  for (int j = 0; j < kPlane; ++j) {
    add_parts<kPlane, kShift, 0>(load_bytes(p + (kShift + j) * kVectorBytes), j, w);
  }
}

template <KernelForm kForm>
constexpr Levels centered_levels = [] {
  Levels out = kForm.levels;
  if (kForm.dot_bits == 8) {
    for (uint8_t& level : out) level = static_cast<uint8_t>(level - kByteZero);
  }
  return out;
}();

template <int kBits>
OVERTAKE_INLINE void unpack_codes(const uint8_t* p, Bytes (&w)[8]) {
  if constexpr (kBits & 8) add_plane<8, 0>(p, w);
  if constexpr (kBits & 4) add_plane<4, 0>(p, w);
  if constexpr (kBits & 2) add_plane<2, kBits & 4>(p, w);
  if constexpr (kBits & 1) add_plane<1, kBits & 6>(p, w);
}

// The numbers that dots multiply: codes, or levels, less kByteZero if they have 8 bits.
template <KernelForm kForm>
OVERTAKE_INLINE void unpack_numbers(const uint8_t* p, Bytes (&w)[8]) {
  unpack_codes<kForm.bits>(p, w);
  if constexpr (kForm.has_levels()) {
    for (Bytes& codes : w) codes = look_up(centered_levels<kForm>, codes);
  } else if constexpr (kForm.dot_bits == 8) {
    for (Bytes& codes : w) codes = center_bytes(codes);
  }
}

template <KernelForm kForm>
struct Block {
  static constexpr int kGroups = kBlockK / kForm.group;
  Bytes codes[8];
  F32 scale[kGroups];
  F32 min[kGroups];
};

// Without fine dots, 2^fine_bits may be a factor of the scale instead of the dot: it is exact, too.
template <KernelForm kForm, bool kFineDots>
constexpr bool scale_has_ratio = !kFineDots && kForm.has_min && uses_dot_bias(kForm.dot_bits);

// The dots of group g with each row, as described above; without kFineDots those of rows whose fine
// codes are zeros.
template <KernelForm kForm, int kRows, bool kFineDots>
OVERTAKE_INLINE void dot_rows(const Block<kForm>& w, const IntegerRows& x, int g,
                              I32 (&dot)[kRows]) {
  constexpr int kGroups = Block<kForm>::kGroups;
  constexpr int kQuads = 8 / kGroups;
  constexpr int kFine = fine_bits(kForm.dot_bits);
  constexpr bool kBias = kForm.has_min && uses_dot_bias(kForm.dot_bits);
  static_assert(kDotBias % (1 << kFine) == 0);
  const int8_t* codes = x.codes + g * kForm.group;
  constexpr bool kPlain = scale_has_ratio<kForm, kFineDots>;
  OVERTAKE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    dot[r] = broadcast_i32(kPlain ? kDotBias : kBias ? kDotBias >> kFine : 0);
  }
  add_dots<kForm.dot_bits, kQuads, kRows>(w.codes + g * kQuads, codes, dot);
  if constexpr (kPlain) return;
  OVERTAKE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    dot[r] = shift_left<kFine>(dot[r]);
    if constexpr (!kForm.has_min) dot[r] = dot[r] + broadcast_i32(x.zero_sum[r * kGroups + g]);
  }
  if constexpr (kFineDots) {
    add_dots<kForm.dot_bits, kQuads, kRows>(w.codes + g * kQuads, codes + kBlockK, dot);
  }
}

template <KernelForm kForm, int kRows, bool kFineDots = true>
OVERTAKE_INLINE void add_block(const Block<kForm>& w, const IntegerRows& x, F32 (&sum)[kRows]) {
  constexpr int kGroups = Block<kForm>::kGroups;
  constexpr int kRatio = scale_has_ratio<kForm, kFineDots> ? 1 << fine_bits(kForm.dot_bits) : 1;
  F32 scale[kGroups];
  F32 offset[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    scale[g] = kRatio == 1 ? w.scale[g] : w.scale[g] * broadcast(static_cast<float>(kRatio));
    offset[g] = scale[g] * broadcast(-kDotBiasFloat);
  }
  OVERTAKE_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    I32 dot[kRows];
    dot_rows<kForm, kRows, kFineDots>(w, x, g, dot);
    OVERTAKE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const F32 value = uses_dot_bias(kForm.dot_bits) ? scaled_dot(dot[r], scale[g], offset[g])
                                                      : to_f32(dot[r]) * scale[g];
      sum[r] = fma(value, broadcast(x.scale[r]), sum[r]);
      if constexpr (kForm.has_min) {
        sum[r] = fma(w.min[g], broadcast(x.min_sum[r * kGroups + g]), sum[r]);
      }
    }
  }
}

// To the next block.
template <KernelForm kForm>
OVERTAKE_INLINE void advance(IntegerRows& x) {
  x.codes += x.height * kRowBlock;
  x.scale += x.height;
  if constexpr (kForm.has_min) {
    x.min_sum += x.height * (kBlockK / kForm.group);
  } else {
    x.zero_sum += x.height * (kBlockK / kForm.group);
  }
}

// The weights of one row of activations stream from memory. Fetched into L2 far ahead and into L1
// near, they arrive at 18 GB/s a core, with one distance for both at 13, and left to the hardware
// at 9 (Sapphire Rapids, Q4_K).
struct StreamAhead {
  static constexpr int kNear = 2048;
  static constexpr int kFar = 16384;
  template <int kBytes>
  OVERTAKE_INLINE void fetch(const uint8_t* p) const {
    OVERTAKE_UNROLL
    for (int i = 0; i < kBytes; i += 64) {
      __builtin_prefetch(p + kNear + i);
      __builtin_prefetch(p + kFar + i, 0, 2);
    }
  }
};

// What stands so many bytes on is read next.
struct JumpAhead {
  int64_t distance;
  template <int kBytes>
  OVERTAKE_INLINE void fetch(const uint8_t* p) const {
    OVERTAKE_UNROLL
    for (int i = 0; i < kBytes; i += 64) __builtin_prefetch(p + distance + i);
  }
};

// Calls `take(block)` for each of n_blocks blocks. What stands `distance` bytes on is fetched.
template <KernelForm kForm, typename Ahead, typename Take>
OVERTAKE_INLINE void for_each_block(const uint8_t* p, int64_t n_blocks, Ahead ahead, Take take) {
  constexpr IntegerLayout kLayout = {F32::kLanes, kForm};
  constexpr int kGroups = Block<kForm>::kGroups;
  for (int64_t unit = 0; unit < n_blocks; unit += kLayout.unit_blocks()) {
    const auto* halves = reinterpret_cast<const uint16_t*>(p);
    const F32 d = kForm.bf16_d ? load_bf16(halves) : load_f16(halves);
    F32 dmin = d;
    if constexpr (kForm.has_min) {
      dmin = load_f16(reinterpret_cast<const uint16_t*>(p + 2 * F32::kLanes));
    }
    p += kLayout.head_bytes();
    for (int i = 0; i < kLayout.unit_blocks(); ++i) {
      ahead.template fetch<kLayout.scale_bytes() + kLayout.code_bytes()>(p);
      Block<kForm> block;
      OVERTAKE_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        block.scale[g] = kForm.scaled ? d * load_i8(p + g * F32::kLanes) : d;
        block.min[g] =
            kForm.scaled && kForm.has_min ? dmin * load_u8(p + (kGroups + g) * F32::kLanes) : dmin;
      }
      p += kLayout.scale_bytes();
      unpack_numbers<kForm>(p, block.codes);
      p += kLayout.code_bytes();
      take(block);
    }
  }
}

template <KernelForm kForm, int kRows>
void multiply_packed(const uint8_t* tile, int64_t n_blocks, const IntegerRows& rows, float* sums) {
  IntegerRows x = rows;
  F32 sum[kRows];
  for (F32& s : sum) s = zero();
  for_each_block<kForm>(tile, n_blocks, StreamAhead{},
                        [&](const Block<kForm>& block) OVERTAKE_INLINE_LAMBDA {
                          add_block<kForm, kRows>(block, x, sum);
                          advance<kForm>(x);
                        });
  for (int r = 0; r < kRows; ++r) store(sums + r * F32::kLanes, sum[r]);
}

template <KernelForm kForm, bool kFolded>
void unpack_tile(const uint8_t* units, int64_t n_blocks, const IntegerPanel& out) {
  IntegerPanel panel = out;
  for_each_block<kForm>(units, n_blocks, StreamAhead{},
                        [&](const Block<kForm>& block) OVERTAKE_INLINE_LAMBDA {
                          if constexpr (kFolded) {
                            constexpr int kFine = fine_bits(kForm.dot_bits);
                            for (const Bytes& codes : block.codes) {
                              store_bytes(panel.codes, shift_and_mask<-kFine, 0xff>(codes));
                              panel.codes += kVectorBytes;
                            }
                          }
                          for (const Bytes& codes : block.codes) {
                            store_bytes(panel.codes, codes);
                            panel.codes += kVectorBytes;
                          }
                          for (int g = 0; g < Block<kForm>::kGroups; ++g) {
                            store(panel.scale, block.scale[g]);
                            panel.scale += F32::kLanes;
                            if constexpr (kForm.has_min) {
                              store(panel.min, block.min[g]);
                              panel.min += F32::kLanes;
                            }
                          }
                        });
}

template <KernelForm kForm, int kRows>
void multiply_panel(const IntegerPanel& panel, int64_t n_blocks, const IntegerRows& rows,
                    float* sums) {
  constexpr int kGroups = Block<kForm>::kGroups;
  const uint32_t here = ((1u << kRows) - 1) << rows.first;
  IntegerRows x = rows;
  F32 sum[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = load(sums + r * F32::kLanes);
  for (int64_t i = 0; i < n_blocks; ++i) {
    Block<kForm> block;
    OVERTAKE_UNROLL
    for (int q = 0; q < 8; ++q) {
      block.codes[q] = load_bytes(panel.codes + i * panel.code_bytes + q * kVectorBytes);
    }
    OVERTAKE_UNROLL
    for (int g = 0; g < kGroups; ++g) {
      block.scale[g] = load(panel.scale + (i * kGroups + g) * F32::kLanes);
      block.min[g] = block.scale[g];
      if constexpr (kForm.has_min) {
        block.min[g] = load(panel.min + (i * kGroups + g) * F32::kLanes);
      }
    }
    // Fewer rows are the rest of a prompt, and not worth more code.
    if (kRows < kMaxPanelRows || (rows.fine_rows[i] & here)) {
      add_block<kForm, kRows>(block, x, sum);
    } else if constexpr (kRows == kMaxPanelRows) {
      add_block<kForm, kRows, false>(block, x, sum);
    }
    advance<kForm>(x);
  }
  for (int r = 0; r < kRows; ++r) store(sums + r * F32::kLanes, sum[r]);
}
