// The search, compiled for each instruction set. A lane of every vector is a group of its own.

// g++ warns of passing vectors that a baseline without them has no register for; all is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

using V = float __attribute__((vector_size(4 * kSearchLanes)));
using Lanes = std::array<float, kSearchLanes>;

constexpr int kMaxGroup = 32;
constexpr int kRefinements = 3;
constexpr int kRounds = 2;

OVERTAKE_INLINE V splat(float value) { return V{} + value; }
OVERTAKE_INLINE V inverse(V x) { return x != 0.0f ? splat(1.0f) / x : V{}; }
OVERTAKE_INLINE V ratio(V a, V b) { return b > 0.0f ? a / b : V{}; }
// As +-0 and NaN need no care here, comparisons do.
OVERTAKE_INLINE V smaller(V a, V b) { return a < b ? a : b; }
OVERTAKE_INLINE V larger(V a, V b) { return a > b ? a : b; }
// To the nearest whole number, below 2^22.
OVERTAKE_INLINE V rounded(V x) {
  const V magic = splat(12582912.0f);
  return (x + magic) - magic;
}

OVERTAKE_INLINE Lanes to_lanes(const V& x) {
  Lanes out;
  std::memcpy(out.data(), &x, sizeof out);
  return out;
}
OVERTAKE_INLINE V from_lanes(const Lanes& lanes) {
  V out;
  std::memcpy(&out, lanes.data(), sizeof out);
  return out;
}

// The groups, their sums that do not depend on codes, and their range.
struct Tile {
  V x[kMaxGroup];
  V w[kMaxGroup];
  V sum_w, sum_wx, sum_wxx;
  V low, high;  // least and largest element
  V extreme;    // of the larger magnitude, with its sign
};

struct Sums {
  V wq, wqq, wxq;
};

struct Fit {
  V scale, min;
  V error;  // less the sum of w x^2
  V wqq;
};

// Scales and mins as the block has them: whole numbers and the units that they count.
struct Choice {
  V scale, min;
  V d, dmin;
  V error;
};

void load_tile(const SearchSpec& spec, const SearchInput& in, Tile* tile) {
  alignas(64) float turned[kMaxGroup][kSearchLanes];
  const auto turn = [&](const float* from, V* to) {
    std::memset(turned, 0, sizeof turned);
    for (int g = 0; g < in.n_groups; ++g) {
      for (int j = 0; j < spec.group; ++j) turned[j][g] = from[g * spec.group + j];
    }
    std::memcpy(to, turned, static_cast<size_t>(spec.group) * sizeof(V));
  };
  turn(in.values, tile->x);
  turn(in.weights, tile->w);
  tile->sum_w = tile->sum_wx = tile->sum_wxx = V{};
  tile->low = tile->high = tile->x[0];
  for (int j = 0; j < spec.group; ++j) {
    const V x = tile->x[j];
    const V wx = tile->w[j] * x;
    tile->sum_w += tile->w[j];
    tile->sum_wx += wx;
    tile->sum_wxx += wx * x;
    tile->low = smaller(x, tile->low);
    tile->high = larger(x, tile->high);
  }
  tile->extreme = tile->high > -tile->low ? tile->high : tile->low;
}

// The value of the type that is nearest to y.
template <bool kLevels>
OVERTAKE_INLINE V nearest(const SearchSpec& spec, V y) {
  if constexpr (kLevels) {
    V q = splat(spec.level[0]);
    for (int k = 1; k < spec.n_levels; ++k) {
      q = y > splat(spec.border[k]) ? splat(spec.level[k]) : q;
    }
    return q;
  }
  return smaller(larger(rounded(y), splat(spec.low)), splat(spec.high));
}

// The sums over the values nearest to x * factor + offset.
template <bool kMin, bool kLevels>
OVERTAKE_INLINE Sums sums_at(const SearchSpec& spec, const Tile& tile, V factor, V offset) {
  Sums out{};
  for (int j = 0; j < spec.group; ++j) {
    const V q = nearest<kLevels>(spec, tile.x[j] * factor + offset);
    const V wq = tile.w[j] * q;
    if constexpr (kMin) out.wq += wq;
    out.wqq += wq * q;
    out.wxq += wq * tile.x[j];
  }
  return out;
}

// The weighted error of the best codes for a scale and a min.
template <bool kMin, bool kLevels>
OVERTAKE_INLINE V error_at(const SearchSpec& spec, const Tile& tile, V scale, V min) {
  const V factor = inverse(scale);
  const V offset = kMin ? min * factor : V{};
  V error{};
  for (int j = 0; j < spec.group; ++j) {
    V off = tile.x[j] - scale * nearest<kLevels>(spec, tile.x[j] * factor + offset);
    if constexpr (kMin) off += min;
    error += tile.w[j] * off * off;
  }
  return error;
}

// The scale and min that are best for the codes behind `sums`, kept where they are better.
template <bool kMin>
OVERTAKE_INLINE void improve(const SearchSpec& spec, const Tile& tile, const Sums& sums, Fit* fit) {
  V scale = ratio(sums.wxq, sums.wqq);
  V min{};
  if constexpr (kMin) {
    const V det = tile.sum_w * sums.wqq - sums.wq * sums.wq;
    const V free_scale = ratio(tile.sum_w * sums.wxq - tile.sum_wx * sums.wq, det);
    const V free_min = ratio(free_scale * sums.wq - tile.sum_wx, tile.sum_w);
    const auto allowed = det > 0.0f && (free_min > 0.0f || splat(spec.any_min) > 0.5f);
    scale = allowed ? free_scale : scale;
    min = allowed ? free_min : V{};
  }
  V error = scale * (scale * sums.wqq - 2.0f * sums.wxq);
  if constexpr (kMin) {
    error += min * (min * tile.sum_w + 2.0f * tile.sum_wx - 2.0f * scale * sums.wq);
  }
  const auto better = error < fit->error;
  fit->scale = better ? scale : fit->scale;
  fit->min = better ? min : fit->min;
  fit->wqq = better ? sums.wqq : fit->wqq;
  fit->error = better ? error : fit->error;
}

// Each group by itself: its best scale and min as real numbers.
template <bool kMin, bool kLevels>
Fit fit_groups(const SearchSpec& spec, const Tile& tile) {
  const V base = kMin ? (spec.any_min ? tile.low : smaller(tile.low, V{})) : V{};
  const V span = kMin ? tile.high - base : tile.extreme;
  const V unit = inverse(span);
  Fit fit{};
  for (int t = 0; t < spec.n_targets; ++t) {
    const V factor = unit * spec.target[t];
    improve<kMin>(spec, tile, sums_at<kMin, kLevels>(spec, tile, factor, -base * factor), &fit);
  }
  for (int i = 0; i < kRefinements; ++i) {
    const V factor = inverse(fit.scale);
    improve<kMin>(spec, tile, sums_at<kMin, kLevels>(spec, tile, factor, fit.min * factor), &fit);
  }
  return fit;
}

// Units for each block, and the whole numbers nearest to what the groups want.
template <bool kMin>
Choice choose_scales(const SearchSpec& spec, const Tile& tile, const Fit& fit) {
  const Lanes scale = to_lanes(fit.scale);
  const Lanes min = to_lanes(fit.min);
  const Lanes wqq = to_lanes(fit.wqq);
  const Lanes w = to_lanes(tile.sum_w);
  const ScaleRange& range = spec.form->scales;
  Lanes d{}, dmin{};
  for (int first = 0; first < kSearchLanes; first += spec.lane_block) {
    const size_t n = static_cast<size_t>(spec.lane_block);
    float unit = round_to_f16(scale[first]);
    float min_unit = round_to_f16(min[first]);
    if (spec.nested) {
      unit = choose_unit({&scale[first], n}, {&wqq[first], n}, static_cast<float>(range.low),
                         static_cast<float>(range.high));
      if (kMin) {
        min_unit =
            choose_unit({&min[first], n}, {&w[first], n}, 0, static_cast<float>(range.min_high));
      }
    }
    std::fill_n(&d[first], n, unit);
    std::fill_n(&dmin[first], n, min_unit);
  }
  Choice out;
  out.d = from_lanes(d);
  out.dmin = from_lanes(dmin);
  out.scale = out.min = splat(1.0f);
  if (spec.nested) {
    out.scale = smaller(larger(rounded(fit.scale * inverse(out.d)), splat(float(range.low))),
                        splat(float(range.high)));
    out.min = smaller(rounded(fit.min * inverse(out.dmin)), splat(float(range.min_high)));
  }
  return out;
}

// Scales and mins one more or less, where that is better.
template <bool kMin, bool kLevels>
void try_neighbours(const SearchSpec& spec, const Tile& tile, Choice* choice) {
  const ScaleRange& range = spec.form->scales;
  const V scale = choice->scale;
  const V min = choice->min;
  for (int step = 0; step < (kMin ? 9 : 3); ++step) {
    const V s = scale + float(step % 3 - 1);
    const V m = kMin ? min + float(step / 3 - 1) : min;
    const V error =
        error_at<kMin, kLevels>(spec, tile, s * choice->d, kMin ? m * choice->dmin : V{});
    const auto better = error < choice->error && s >= float(range.low) && s <= float(range.high) &&
                        m >= 0.0f && m <= float(range.min_high);
    choice->scale = better ? s : choice->scale;
    choice->min = better ? m : choice->min;
    choice->error = better ? error : choice->error;
  }
}

// Units by least squares for the codes at hand, kept for blocks that become better.
template <bool kMin, bool kLevels>
void improve_units(const SearchSpec& spec, const Tile& tile, Choice* choice) {
  const V group_scale = choice->scale * choice->d;
  const V group_min = kMin ? choice->min * choice->dmin : V{};
  const V factor = inverse(group_scale);
  const Sums sums = sums_at<kMin, kLevels>(spec, tile, factor, group_min * factor);
  const Lanes w = to_lanes(tile.sum_w), wx = to_lanes(tile.sum_wx), wq = to_lanes(sums.wq),
              wqq = to_lanes(sums.wqq), wxq = to_lanes(sums.wxq), scale = to_lanes(choice->scale),
              min = to_lanes(kMin ? choice->min : V{});
  Lanes d = to_lanes(choice->d), dmin = to_lanes(choice->dmin);
  const size_t n = static_cast<size_t>(spec.lane_block);
  for (int i = 0; i < kSearchLanes; i += spec.lane_block) {
    const GroupSums block = {{&w[i], n}, {&wx[i], n}, {&wq[i], n}, {&wqq[i], n}, {&wxq[i], n}};
    const Units units = solve_units(block, {&scale[i], n}, {&min[i], n}, {d[i], dmin[i]});
    const bool allowed = spec.any_min || units.dmin >= 0;
    std::fill_n(&d[i], n, allowed ? units.d : d[i]);
    std::fill_n(&dmin[i], n, allowed ? units.dmin : dmin[i]);
  }
  const V new_d = from_lanes(d);
  const V new_dmin = from_lanes(dmin);
  const Lanes before = to_lanes(choice->error);
  const Lanes after = to_lanes(error_at<kMin, kLevels>(spec, tile, choice->scale * new_d,
                                                       kMin ? choice->min * new_dmin : V{}));
  Lanes better;
  for (int i = 0; i < kSearchLanes; i += spec.lane_block) {
    const float old_error = std::accumulate(&before[i], &before[i] + n, 0.0f);
    const float new_error = std::accumulate(&after[i], &after[i] + n, 0.0f);
    std::fill_n(&better[i], n, new_error < old_error ? 1.0f : 0.0f);
  }
  const auto kept = from_lanes(better) > 0.5f;
  choice->d = kept ? new_d : choice->d;
  choice->dmin = kept ? new_dmin : choice->dmin;
  choice->error = kept ? from_lanes(after) : choice->error;
}

template <bool kMin, bool kLevels>
void store_blocks(const SearchSpec& spec, const Tile& tile, const Choice& choice, int n_groups,
                  IntegerBlock* out) {
  const Lanes d = to_lanes(choice.d), dmin = to_lanes(choice.dmin), scale = to_lanes(choice.scale),
              min = to_lanes(choice.min);
  const V factor = inverse(choice.scale * choice.d);
  const V offset = kMin ? choice.min * choice.dmin * factor : V{};
  for (int j = 0; j < spec.group; ++j) {
    const V y = tile.x[j] * factor + offset;
    V code{};
    if constexpr (kLevels) {
      for (int k = 1; k < spec.n_levels; ++k) {
        code += y > splat(spec.border[k]) ? splat(1.0f) : V{};
      }
    } else {
      code = nearest<false>(spec, y) + static_cast<float>(spec.form->zero);
    }
    const Lanes codes = to_lanes(code);
    for (int g = 0; g < n_groups; ++g) {
      const int place = g % spec.lane_block * spec.group + j;
      out[g / spec.lane_block].code[place] = static_cast<uint8_t>(codes[g]);
    }
  }
  for (int g = 0; g < n_groups; ++g) {
    IntegerBlock& block = out[g / spec.lane_block];
    block.scale[g % spec.lane_block] = static_cast<int8_t>(scale[g]);
    block.min[g % spec.lane_block] = static_cast<uint8_t>(min[g]);
    block.d = d[g];
    block.dmin = kMin ? dmin[g] : 0;
  }
}

template <bool kMin, bool kLevels>
void search(const SearchSpec& spec, const SearchInput& in, IntegerBlock* out) {
  Tile tile;
  load_tile(spec, in, &tile);
  const Fit fit = fit_groups<kMin, kLevels>(spec, tile);
  Choice choice = choose_scales<kMin>(spec, tile, fit);
  choice.error = error_at<kMin, kLevels>(spec, tile, choice.scale * choice.d,
                                         kMin ? choice.min * choice.dmin : V{});
  for (int round = 0; round < kRounds; ++round) {
    if (spec.nested) try_neighbours<kMin, kLevels>(spec, tile, &choice);
    improve_units<kMin, kLevels>(spec, tile, &choice);
  }
  store_blocks<kMin, kLevels>(spec, tile, choice, in.n_groups, out);
}

Search choose_search(const SearchSpec& spec) {
  if (spec.n_levels) return search<false, true>;
  return spec.form->has_min ? search<true, false> : search<false, false>;
}
