// What the attention kernels of each ISA work on: a tile of queries that share one kv head's keys
// and values, attended page by page with online softmax (Milakov and Gimelshein 2018; Dao 2022).
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/rope.h"
#include "tensor/sequence_state.h"

namespace overtake {

// Vectors of a tile are this many floats or a multiple, so that whole registers go in and out.
constexpr int kLanePad = 16;
constexpr int kMaxTileRows = 48;

constexpr int pad_lanes(int n) { return (n + kLanePad - 1) / kLanePad * kLanePad; }

// What one query may see, in positions of its sequence.
struct KeyRange {
  int64_t first;
  int64_t end;
  const float* bias;  // added to the score of position p: bias[p]; or null
};

// Softmax over the keys seen so far, not yet divided by its sum. Row i of everything is query i's.
struct SoftmaxState {
  float* top;  // [n_rows] the largest score; -inf before the first key
  float* sum;  // [n_rows, kLanePad] of exp(score - top): the total of the lanes
  float* out;  // [n_rows, padded_dim] of exp(score - top) * value
};

struct AttentionTile {
  int n_rows;
  int head_dim;
  int padded_dim;  // pad_lanes(head_dim)
  KvType type;
  const float* queries;  // [n_rows, head_dim], turned by the rope, scaled
  // kQ8_0: the same as whole numbers times a scale a row, and room for what a page's scales become.
  const int16_t* whole_queries;  // [n_rows, padded_dim]
  const float* query_scales;     // [n_rows]
  float* scales;                 // [n_blocks, kPageTokens] and kLanePad more, scratch
  float* weights;                // [n_rows, kPageTokens], scratch
  const KeyRange* ranges;        // [n_rows]
  SoftmaxState state;
  float* scores;   // [n_rows, kPageTokens], scratch
  float* rescale;  // [pad_lanes(n_rows)], scratch
  float* widened;  // [kPageTokens, padded_dim], scratch: keys, later values, as f32
};

// One kv head's part of a page, whose first token stands at position `base`.
struct PagePart {
  const std::byte* keys;  // as KvShape has them
  const std::byte* values;
  int64_t base;
  // Those of the page to be attended next (or of this one again), to be fetched early.
  const std::byte* next_keys;
  const std::byte* next_values;
};

// The kind of a head in a page, and a token's place there.
struct PageSlot {
  KvType type;
  int head_dim;
  int slot;  // position % kPageTokens
};

// One row's turn: y[i] = x[i] * cos[i] + x[partner of i] * sin[i], the sign being in `sin`.
struct Turn {
  const float* cos;  // [n_dims], null for no rope
  const float* sin;  // [n_dims]
  int n_dims;
};

struct AttentionKernels {
  // out [head_dim] = turned x * scale. In and out are distinct.
  void (*turn)(const float* x, const Turn& turn, int head_dim, float scale, float* out);
  // x [head_dim] becomes a token's key, or value, among those of its kv head in a page. What is
  // beyond the largest number of f16, or of a block of kQ8_0, becomes that.
  void (*store_key)(const float* x, const PageSlot& at, std::byte* keys);
  void (*store_value)(const float* x, const PageSlot& at, std::byte* values);
  // x [head_dim] as whole numbers [padded_dim] times the scale that it returns: NaN where an
  // element is not finite.
  float (*quantize_query)(const float* x, int head_dim, int16_t* out);
  // To no keys.
  void (*clear)(const SoftmaxState& state, int n_rows, int padded_dim);
  // Adds the keys of a page to the tile's state.
  void (*attend)(const AttentionTile& tile, const PagePart& page);
  // into = the state over both sets of keys.
  void (*merge)(const SoftmaxState& into, const SoftmaxState& from, int n_rows, int padded_dim);
  // out [head_dim] = row `row` of the state, divided by its sum.
  void (*finish)(const SoftmaxState& state, int row, int head_dim, float* out);
};

}  // namespace overtake
