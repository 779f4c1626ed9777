// Prompts through a matrix unit for bf16, blocked for its caches.
#include "tensor/cpu/matmul_bf16.h"
//
// A chunk of work is up to kMaxRows rows times kMaxTiles tiles of outputs. It goes along K in
// slices of kSliceBlocks: the weights of a slice are unpacked once, and each pair of tiles, small
// enough for L1, multiplies the slice of all rows, which lies in L2. Sums stay in L2 between
// slices.
//
// What an MLP has between its two products is larger than any L2 (4 * 11264 bytes a token in a
// 1.1B). So it is never written: a pair of tiles is those of gate and up of the same 16 channels,
// and what they make is rounded to bf16 at once, in the tiles that the second product reads.
#include <algorithm>

#include "base/check.h"
#include "base/function_ref.h"
#include "tensor/cpu/kernels.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/matmul_input.h"
#include "tensor/cpu/packed_weight.h"
#include "tensor/cpu/spread.h"

namespace overtake {
namespace {

constexpr int64_t kMaxRows = 512;
constexpr int64_t kMaxTiles = 16;
constexpr int64_t kMinTiles = 4;  // below, rows would be read too often
constexpr int64_t kSliceBlocks = 8;
constexpr int64_t kMaxSliceBlocks = 9;  // one more makes two slices of SmolLM2's width
constexpr int64_t kChunksPerThread = 4;
constexpr int64_t kLanes = 16;
constexpr int64_t kPair = 2;  // of tiles, and of row blocks
constexpr int64_t kRowStep = kPair * kBf16Rows;

static_assert(kSliceBlocks % kBlocksPerSuper == 0);
static_assert(kPair == kBf16MaxTiles && kPair == kBf16MaxRows);
static_assert(kPair * kLanes == kBlockK);

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What one worker has for itself.
struct Workspace {
  alignas(64) uint16_t weights[kMaxTiles * kMaxSliceBlocks * kBf16Tile];
  alignas(64) float sums[kMaxTiles * kMaxRows / kBf16Rows * kBf16Sums];
};

// Activations in tiles: slice after slice of K, [row blocks, blocks of the slice] each.
struct TiledRows {
  int64_t n_rows;
  int64_t k_blocks;
  int64_t slice_blocks;
  uint16_t* tiles = nullptr;

  TiledRows(int64_t rows, int64_t n_in) : n_rows(rows), k_blocks(n_in / kBlockK) {
    const int64_t n_slices = ceil_div(k_blocks, kMaxSliceBlocks);
    // Where units are longer than a block, K is a whole number of them and so are slices.
    slice_blocks = k_blocks % kSliceBlocks == 0 ? kSliceBlocks : ceil_div(k_blocks, n_slices);
  }
  int64_t row_blocks() const { return ceil_div(n_rows, kBf16Rows); }
  size_t bytes() const {
    return static_cast<size_t>(row_blocks() * k_blocks * kBf16Tile) * sizeof(uint16_t);
  }
  int64_t slice_length(int64_t first) const { return std::min(slice_blocks, k_blocks - first); }
  // The slice that begins at block `first` of K, of rows from block `row_block` on.
  uint16_t* slice(int64_t first, int64_t row_block) const {
    return tiles + (first * row_blocks() + row_block * slice_length(first)) * kBf16Tile;
  }
  uint16_t* tile(int64_t k_block, int64_t row_block) const {
    const int64_t first = k_block / slice_blocks * slice_blocks;
    return slice(first, row_block) + (k_block - first) * kBf16Tile;
  }
};

// Tiles of weights: of one run, or in turn of two, the first of each pair from `first`.
struct TileRuns {
  const PackedSegment* first;
  int64_t first_tile;
  const PackedSegment* second = nullptr;
  int64_t second_tile = 0;

  TileRuns from(int64_t i) const {
    if (!second) return {first, first_tile + i};
    return {first, first_tile + i / kPair, second, second_tile + i / kPair};
  }
};

// Some rows times some tiles.
struct Chunk {
  TileRuns tiles;
  int64_t first_tile;  // of all
  int64_t n_tiles;
  int64_t first_block;  // of 16 rows
  int64_t n_blocks;
};

// The sums of a block of 16 rows with a pair of a chunk's tiles (or its last one): [tiles, 16, 16].
struct TileSums {
  int64_t row_block;
  int64_t tile;  // of all
  int64_t n_tiles;
  const float* sums;
};
using TakeSums = FunctionRef<void(const TileSums&)>;

// The products of some rows with the tiles of a weight.
class TileProduct {
 public:
  TileProduct(const TiledRows& x, const PackedWeight& weight, Workspace* spaces, ThreadPool& pool)
      : x_(x), weight_(weight), spaces_(spaces), pool_(pool) {
    const int64_t row_chunks = ceil_div(x.n_rows, kMaxRows);
    rows_per_chunk_ = ceil_div(ceil_div(x.n_rows, row_chunks), kRowStep) * kRowStep;
  }

  // Gives the sums of n_tiles tiles to `take`, on several threads.
  void run(const TileRuns& tiles, int64_t n_tiles, TakeSums take) const;

 private:
  void run_chunk(const Chunk& chunk, Workspace& space, TakeSums take) const;
  void unpack(const Chunk& chunk, int64_t first, uint16_t* out) const;
  void multiply_slice(const Chunk& chunk, int64_t first, Workspace& space) const;

  const TiledRows& x_;
  const PackedWeight& weight_;
  Workspace* spaces_;
  ThreadPool& pool_;
  const Bf16Kernels& kernels_ = *weight_.kernels().bf16;
  int64_t rows_per_chunk_;
};

// Pairs of tiles stand one after another: [blocks of the slice, tiles of the pair] each.
void TileProduct::unpack(const Chunk& chunk, int64_t first, uint16_t* out) const {
  const int64_t length = x_.slice_length(first);
  for (int64_t i = 0; i < chunk.n_tiles; ++i) {
    const TileRuns runs = chunk.tiles.from(i);
    const bool second = runs.second && i % kPair == 1;
    const PackedSegment& segment = second ? *runs.second : *runs.first;
    const int64_t index = second ? runs.second_tile : runs.first_tile;
    const int64_t pair = i / kPair * kPair;
    const int64_t in_pair = std::min(kPair, chunk.n_tiles - pair);
    Bf16Unpacking how = {.step = in_pair * kBf16Tile,
                         .next_tile = static_cast<int64_t>(segment.tile_bytes)};
    int64_t skip = first * kBlockK * kLanes * 2;
    if (segment.integer) {
      const InputKind& kind = weight_.input_kinds()[segment.input_kind];
      how.zero = kind.zero;
      how.unit = kind.unit;
      skip = first / segment.layout.unit_blocks() * segment.layout.unit_bytes();
    }
    segment.unpack_bf16(segment.tiles + static_cast<size_t>(index) * segment.tile_bytes + skip,
                        length, how, out + (pair * length + (i - pair)) * kBf16Tile);
  }
}

void TileProduct::multiply_slice(const Chunk& chunk, int64_t first, Workspace& space) const {
  const int64_t length = x_.slice_length(first);
  const int64_t next = first + length;
  // The next slice of these rows is fetched while this one is multiplied.
  const auto* ahead = reinterpret_cast<const std::byte*>(x_.tiles);
  int64_t lines = 0;
  if (next < x_.k_blocks) {
    const int64_t steps = ceil_div(chunk.n_tiles, kPair) * ceil_div(chunk.n_blocks, kPair) * length;
    ahead = reinterpret_cast<const std::byte*>(x_.slice(next, chunk.first_block));
    lines = chunk.n_blocks * x_.slice_length(next) * (kBf16Tile / 32) / steps;
  }
  const int64_t n_pairs = chunk.n_blocks / kPair;
  for (int64_t tile = 0; tile < chunk.n_tiles; tile += kPair) {
    const int64_t n_tiles = std::min(kPair, chunk.n_tiles - tile);
    Bf16Product product = {.x = x_.slice(first, chunk.first_block),
                           .w = space.weights + tile * length * kBf16Tile,
                           .sums = space.sums + tile * chunk.n_blocks * kBf16Sums,
                           .n_blocks = length,
                           .n_pairs = 1,
                           .first_slice = first == 0,
                           .ahead = ahead,
                           .lines_ahead = lines};
    const auto take_rows = [&](int64_t n_rows, int64_t n_pairs_at_once) {
      product.n_pairs = n_pairs_at_once;
      kernels_.multiply[n_rows - 1][n_tiles - 1](product);
      const int64_t n = n_rows * n_pairs_at_once;
      product.x += n * length * kBf16Tile;
      product.sums += n * n_tiles * kBf16Sums;
      product.ahead += n_pairs_at_once * lines * length * 64;
    };
    if (n_tiles == kPair) {
      if (n_pairs > 0) take_rows(kPair, n_pairs);
    } else {
      for (int64_t i = 0; i < n_pairs; ++i) take_rows(kPair, 1);
    }
    if (chunk.n_blocks % kPair != 0) take_rows(1, 1);
    ahead = product.ahead;
  }
}

void TileProduct::run_chunk(const Chunk& chunk, Workspace& space, TakeSums take) const {
  kernels_.begin();
  for (int64_t first = 0; first < x_.k_blocks; first += x_.slice_blocks) {
    unpack(chunk, first, space.weights);
    multiply_slice(chunk, first, space);
  }
  kernels_.end();
  const float* sums = space.sums;
  for (int64_t tile = 0; tile < chunk.n_tiles; tile += kPair) {
    const int64_t n_tiles = std::min(kPair, chunk.n_tiles - tile);
    for (int64_t row = 0; row < chunk.n_blocks; ++row, sums += n_tiles * kBf16Sums) {
      take({chunk.first_block + row, chunk.first_tile + tile, n_tiles, sums});
    }
  }
}

void TileProduct::run(const TileRuns& tiles, int64_t n_tiles, TakeSums take) const {
  const int64_t row_chunks = ceil_div(x_.n_rows, rows_per_chunk_);
  const int64_t wanted = kChunksPerThread * pool_.n_threads();
  const int64_t most = std::clamp(n_tiles * row_chunks / wanted, kMinTiles, kMaxTiles);
  const int64_t tiles_per_chunk = ceil_div(most, kPair) * kPair;
  const int64_t tile_chunks = ceil_div(n_tiles, tiles_per_chunk);
  const int64_t work = x_.n_rows * x_.k_blocks * kBlockK * n_tiles * kLanes;
  spread(pool_, tile_chunks * row_chunks, work, [&](int worker, int64_t i) {
    const int64_t first_tile = i % tile_chunks * tiles_per_chunk;
    const int64_t first_row = i / tile_chunks * rows_per_chunk_;
    const int64_t n_rows = std::min(rows_per_chunk_, x_.n_rows - first_row);
    run_chunk({tiles.from(first_tile), first_tile, std::min(tiles_per_chunk, n_tiles - first_tile),
               first_row / kBf16Rows, ceil_div(n_rows, kBf16Rows)},
              spaces_[worker], take);
  });
}

void tile_rows(const Tensor& x, const Bf16Kernels& kernels, const TiledRows& out,
               ThreadPool& pool) {
  spread(pool, out.row_blocks(), x.rows * x.cols, [&](int worker, int64_t row_block) {
    const int64_t row = row_block * kBf16Rows;
    const int64_t n_rows = std::min<int64_t>(kBf16Rows, x.rows - row);
    for (int64_t first = 0; first < out.k_blocks; first += out.slice_blocks) {
      uint16_t* tiles = out.slice(first, row_block);
      for (int64_t i = 0; i < out.slice_length(first); ++i) {
        kernels.pack(x.row(row) + (first + i) * kBlockK, x.stride, n_rows, tiles + i * kBf16Tile);
      }
    }
  });
}

struct Output {
  std::span<const float> bias;
  bool accumulate;
  Tensor y;
};

// y = x W^T + bias, or y += that.
void multiply_into(const TileProduct& product, const PackedWeight& weight, const Output& out) {
  for (const PackedSegment& segment : weight.segments()) {
    product.run({&segment, 0}, ceil_div(segment.n_rows, kLanes), [&](const TileSums& from) {
      const int64_t row = from.row_block * kBf16Rows;
      for (int64_t i = 0; i < from.n_tiles; ++i) {
        const int64_t in_segment = (from.tile + i) * kLanes;
        const int64_t col = segment.first_row + in_segment;
        weight.kernels().put_sums(from.sums + i * kBf16Sums,
                                  {.y = out.y.row(row) + col,
                                   .stride = out.y.stride,
                                   .n_rows = std::min<int64_t>(kBf16Rows, out.y.rows - row),
                                   .n_cols = std::min(kLanes, segment.n_rows - in_segment),
                                   .bias = out.bias.empty() ? nullptr : out.bias.data() + col,
                                   .accumulate = out.accumulate});
      }
    });
  }
}

const PackedWeight& packed(const Weight& weight) {
  return static_cast<const PackedWeight&>(weight);
}

// The segment in which the rows [first, first + n) are whole tiles; null where they are not.
const PackedSegment* find_tiles(const PackedWeight& weight, int64_t first, int64_t n) {
  for (const PackedSegment& segment : weight.segments()) {
    const int64_t skipped = first - segment.first_row;
    if (skipped < 0 || skipped + n > segment.n_rows) continue;
    return skipped % kLanes == 0 && n % kLanes == 0 ? &segment : nullptr;
  }
  return nullptr;
}

TileRuns tiles_of(const Mlp& mlp) {
  const PackedWeight& up = packed(mlp.up);
  const int64_t width = mlp.down.n_in();
  const PackedSegment* gate = find_tiles(up, 0, width);
  if (!mlp.gated || !gate) return {gate, 0};
  const PackedSegment* second = find_tiles(up, width, width);
  if (!second) return {nullptr, 0};
  return {gate, 0, second, (width - second->first_row) / kLanes};
}

// Makes the channels of the pair of tiles that `from` is of, of its 16 rows, in `hidden`.
void put_hidden(const Mlp& mlp, const TileSums& from, const TiledRows& hidden) {
  const PackedWeight& up = packed(mlp.up);
  alignas(64) float values[kPair][kBf16Sums];
  const float* sums[kPair] = {from.sums, from.sums + kBf16Sums};
  const int64_t channel = (mlp.gated ? from.tile / kPair : from.tile) * kLanes;
  if (!mlp.up_bias.empty()) {
    const float* bias = mlp.up_bias.data() + channel;
    const float* biases[kPair] = {bias, bias + (mlp.gated ? hidden.k_blocks * kBlockK : kLanes)};
    for (int i = 0; i < kPair; ++i) {
      up.kernels().put_sums(sums[i], {values[i], kLanes, kBf16Rows, kLanes, biases[i], false});
      sums[i] = values[i];
    }
  }
  uint16_t* tile = hidden.tile(channel / kBlockK, from.row_block) + channel % kBlockK;
  const int n_outputs = mlp.gated ? 1 : kPair;
  for (int i = 0; i < n_outputs; ++i, tile += kLanes) {
    mlp.gate(mlp.activation, sums[i], mlp.gated ? sums[1] : nullptr, values[i], kBf16Sums);
    up.kernels().bf16->pack_half(values[i], tile);
  }
}

}  // namespace

void matmul_bf16(Tensor x, const PackedWeight& weight, std::span<const float> bias, bool accumulate,
                 Tensor y, MatmulScratch& scratch, ThreadPool& pool) {
  OVERTAKE_CHECK(weight.kernels().lanes == kLanes);
  TiledRows rows(x.rows, x.cols);
  std::byte* memory =
      scratch.take(rows.bytes() + static_cast<size_t>(pool.n_threads()) * sizeof(Workspace));
  rows.tiles = reinterpret_cast<uint16_t*>(memory);
  auto* spaces = reinterpret_cast<Workspace*>(memory + rows.bytes());
  tile_rows(x, *weight.kernels().bf16, rows, pool);
  multiply_into(TileProduct(rows, weight, spaces, pool), weight, {bias, accumulate, y});
}

bool fits_mlp_bf16(const Mlp& mlp) {
  const PackedWeight& up = packed(mlp.up);
  return up.has_bf16() && packed(mlp.down).has_bf16() && tiles_of(mlp).first;
}

void mlp_bf16(Tensor x, const Mlp& mlp, Tensor into, MatmulScratch& scratch, ThreadPool& pool) {
  const PackedWeight& up = packed(mlp.up);
  const PackedWeight& down = packed(mlp.down);
  OVERTAKE_CHECK(up.kernels().lanes == kLanes);
  TiledRows rows(x.rows, x.cols);
  TiledRows hidden(x.rows, down.n_in());
  std::byte* memory = scratch.take(rows.bytes() + hidden.bytes() +
                                   static_cast<size_t>(pool.n_threads()) * sizeof(Workspace));
  rows.tiles = reinterpret_cast<uint16_t*>(memory);
  hidden.tiles = reinterpret_cast<uint16_t*>(memory + rows.bytes());
  auto* spaces = reinterpret_cast<Workspace*>(memory + rows.bytes() + hidden.bytes());
  tile_rows(x, *up.kernels().bf16, rows, pool);
  TileProduct(rows, up, spaces, pool)
      .run(tiles_of(mlp), up.n_out() / kLanes,
           [&](const TileSums& sums) { put_hidden(mlp, sums, hidden); });
  multiply_into(TileProduct(hidden, down, spaces, pool), down, {mlp.down_bias, true, into});
}

}  // namespace overtake
