// The search for the codes of a quantized type: of all blocks that the type can say, one whose
// weighted squared error is small. Sixteen groups are searched side by side, one in each lane of a
// vector, so that no sum crosses lanes: every instruction set gives the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tensor/quant_type.h"

namespace overtake {

constexpr int kSearchLanes = 16;  // groups that one call takes

// A type in the terms of the search. A group is scale * q - min, with q one of the type's values:
// its codes, or levels, less their zero.
struct SearchSpec {
  const IntegerForm* form = nullptr;
  int group = 0;       // elements
  int lane_block = 0;  // groups that share d and dmin
  bool nested = false;
  bool any_min = false;  // whether min may be negative
  float low = 0;         // of q
  float high = 0;
  // The levels that q can have, ascending, where they are not the whole numbers; the borders
  // between them, and how far apart they are.
  int n_levels = 0;
  std::array<float, 16> level = {};
  std::array<float, 16> border = {};
  // What the largest element of a group is tried to be, in q (in steps from the least to the
  // largest element where there is a min).
  int n_targets = 0;
  std::array<float, 32> target = {};
};

// `type` has from_integers.
SearchSpec make_search_spec(const QuantType& type);

// n_groups <= kSearchLanes groups of whole blocks: values and their weights [n_groups, group], all
// finite, weights not negative; out has n_groups / lane_block blocks.
struct SearchInput {
  const float* values;
  const float* weights;
  int n_groups;
};
using Search = void (*)(const SearchSpec& spec, const SearchInput& in, IntegerBlock* out);

Search search_scalar(const SearchSpec& spec);
Search search_avx2(const SearchSpec& spec);
Search search_avx512(const SearchSpec& spec);

// What the search computes for a whole block at a time. Spans have one element a group.

// The f16 value `unit` for which whole multiples of it, from low to high, come closest to
// `values`: the sum of curvature * (value - multiple * unit)^2 is small.
float choose_unit(std::span<const float> values, std::span<const float> curvature, float low,
                  float high);

// Sums over a group's elements, w being their weights: of w, w x, w q, w q^2 and w x q.
struct GroupSums {
  std::span<const float> w, wx, wq, wqq, wxq;
};
struct Units {
  float d;
  float dmin;
};
// The d and dmin, rounded to f16, that are best for the codes behind `sums` and these scales and
// mins (weighted least squares); `before` where the sums do not determine them.
Units solve_units(const GroupSums& sums, std::span<const float> scale, std::span<const float> min,
                  Units before);

// To the nearest f16 that is no infinity.
float round_to_f16(float value);

}  // namespace overtake
