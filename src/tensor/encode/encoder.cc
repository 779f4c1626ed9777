#include "tensor/encode/encoder.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace overtake {
namespace {

constexpr int kTileValues = kSearchLanes * 32;

Search search_for(const SearchSpec& spec, Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2 || isa == Isa::kAvxVnni) return search_avx2(spec);
  if (isa != Isa::kScalar) return search_avx512(spec);
#endif
  return search_scalar(spec);
}

void add_levels(const IntegerForm& form, SearchSpec* spec) {
  spec->n_levels = 1 << form.bits;
  for (int k = 0; k < spec->n_levels; ++k) {
    spec->level[k] = static_cast<float>(form.levels[k] - form.zero);
    if (k > 0) spec->border[k] = 0.5f * (spec->level[k] + spec->level[k - 1]);
  }
  spec->low = spec->level[0];
  spec->high = spec->level[spec->n_levels - 1];
}

void add_target(float target, SearchSpec* spec) { spec->target[spec->n_targets++] = target; }

// Larger targets than the outermost value cut the largest element for the others' sake.
void add_targets(SearchSpec* spec) {
  const IntegerForm& form = *spec->form;
  if (form.has_min) {
    const float step = form.bits >= 5 ? 0.5f : 0.25f;
    for (int i = form.bits >= 5 ? -9 : -3; i <= (form.bits >= 5 ? 4 : 8); ++i) {
      add_target(spec->high + step * static_cast<float>(i), spec);
    }
    // What was quantized to fewer steps before may be exact.
    if (form.bits == 5) add_target(15, spec);
    return;
  }
  // With many bits there is nothing to gain from cutting, but how near the others fall to a code is
  // luck, and trying more scales finds more of it.
  const bool fine = form.bits >= 6;
  const float step = fine ? 0.01f : 0.02f;
  for (const float end : {spec->low, spec->high}) {
    for (int i = fine ? -15 : -5; i <= (fine ? 0 : 10); ++i) {
      add_target(end * (1.0f + step * static_cast<float>(i)), spec);
    }
  }
}

// Large elements matter a little more than their share of the squares: measured as divergence of a
// model's answers, between weighing all alike and by their squares.
void weigh(std::span<const float> block, float* weights) {
  float squares = 0;
  for (const float x : block) squares += x * x;
  const float mean = squares / static_cast<float>(block.size());
  for (size_t i = 0; i < block.size(); ++i)
    weights[i] = std::sqrt(std::sqrt(mean + block[i] * block[i]));
}

}  // namespace

bool can_encode(const QuantType& type) {
  return type.from_integers || (!type.integer && type.encode);
}

SearchSpec make_search_spec(const QuantType& type) {
  OVERTAKE_CHECK(type.from_integers && type.integer);
  const IntegerForm& form = *type.integer;
  SearchSpec spec{.form = &form, .group = form.group};
  spec.lane_block = form.super / form.group;
  spec.nested = form.scales.high > 1;
  spec.any_min = !spec.nested;
  spec.low = static_cast<float>(form.first_code - form.zero);
  spec.high = static_cast<float>((1 << form.bits) - 1 - form.zero);
  if (form.level_bits) add_levels(form, &spec);
  add_targets(&spec);
  return spec;
}

Encoder::Encoder(const QuantType& type, Isa isa) : type_(type) {
  OVERTAKE_CHECK(can_encode(type));
  if (!type.from_integers) return;
  spec_ = make_search_spec(type);
  search_ = search_for(spec_, isa);
}

void Encoder::encode(std::span<const float> values, std::span<const float> importance,
                     std::byte* out) const {
  const int64_t n = static_cast<int64_t>(values.size());
  if (!search_) return type_.encode(values.data(), out, n);
  const int64_t n_cols = importance.empty() ? n : static_cast<int64_t>(importance.size());
  const int64_t tile = kSearchLanes * spec_.group;
  alignas(64) float weights[kTileValues];
  IntegerBlock blocks[kSearchLanes];
  for (int64_t first = 0; first < n; first += tile) {
    const int64_t count = std::min(tile, n - first);
    for (int64_t i = 0; i < count; i += type_.block) {
      weigh({values.data() + first + i, static_cast<size_t>(type_.block)}, weights + i);
    }
    if (!importance.empty()) {
      for (int64_t i = 0; i < count; ++i) weights[i] *= importance[(first + i) % n_cols];
    }
    search_(spec_, {values.data() + first, weights, static_cast<int>(count / spec_.group)}, blocks);
    for (int64_t b = 0; b < count / type_.block; ++b) {
      type_.from_integers(blocks[b], out + type_.row_bytes(first + b * type_.block));
    }
  }
}

}  // namespace overtake
