// Prompts through a matrix unit for bf16, blocked for its caches.
#include "tensor/cpu/matmul_bf16.h"
//
// A chunk of work is up to kMaxRows rows times kMaxTiles tiles of outputs. It goes along K in
// slices of kSliceBlocks: the weights of a slice are unpacked once, and each pair of tiles, small
// enough for L1, multiplies the slice of all rows, which lies in L2. Sums stay in L2 between
// slices.
#include <algorithm>

#include "base/check.h"
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
constexpr int64_t kRowStep = kBf16MaxRows * kBf16Rows;

static_assert(kSliceBlocks % kBlocksPerSuper == 0);

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What one worker has for itself.
struct Workspace {
  alignas(64) uint16_t weights[kMaxTiles * kMaxSliceBlocks * kBf16Tile];
  alignas(64) float sums[kMaxTiles * kMaxRows / kBf16Rows * kBf16Sums];
};

// Some rows times some tiles of a segment.
struct Chunk {
  const PackedSegment& segment;
  int64_t first_tile;
  int64_t n_tiles;
  int64_t first_block;  // of 16 rows
  int64_t n_blocks;
};

// A part of a chunk that the registers hold.
struct Block {
  int64_t row;  // block of 16
  int64_t n_rows;
  int64_t tile;
  int64_t n_tiles;
};

class PrefillProduct {
 public:
  PrefillProduct(Tensor x, const PackedWeight& weight, std::span<const float> bias, bool accumulate,
                 Tensor y)
      : x_(x), weight_(weight), bias_(bias), accumulate_(accumulate), y_(y) {
    const int64_t n_slices = ceil_div(k_blocks_, kMaxSliceBlocks);
    // Where units are longer than a block, K is a whole number of them and so are slices.
    slice_blocks_ = k_blocks_ % kSliceBlocks == 0 ? kSliceBlocks : ceil_div(k_blocks_, n_slices);
    const int64_t row_chunks = ceil_div(x.rows, kMaxRows);
    rows_per_chunk_ = ceil_div(ceil_div(x.rows, row_chunks), kRowStep) * kRowStep;
  }

  void run(MatmulScratch& scratch, ThreadPool& pool);

 private:
  int64_t slice_length(int64_t first) const { return std::min(slice_blocks_, k_blocks_ - first); }
  // The tiles of `slice`, which begins at block `first` of K, of rows from block `row_block` on.
  uint16_t* input(int64_t first, int64_t row_block) const {
    return input_ + (first * row_blocks_ + row_block * slice_length(first)) * kBf16Tile;
  }
  void pack_input(ThreadPool& pool) const;
  void run_segment(const PackedSegment& segment, ThreadPool& pool);
  void run_chunk(const Chunk& chunk, Workspace& space) const;
  void unpack(const Chunk& chunk, int64_t first, uint16_t* out) const;
  void multiply_slice(const Chunk& chunk, int64_t first, Workspace& space) const;
  void put_sums(const Chunk& chunk, const Block& block, const float* sums) const;

  Tensor x_;
  const PackedWeight& weight_;
  std::span<const float> bias_;
  bool accumulate_;
  Tensor y_;
  const Bf16Kernels& kernels_ = *weight_.kernels().bf16;
  int64_t k_blocks_ = weight_.n_in() / kBlockK;
  int64_t row_blocks_ = ceil_div(x_.rows, kBf16Rows);
  int64_t slice_blocks_;
  int64_t rows_per_chunk_;
  uint16_t* input_ = nullptr;  // slice after slice [row blocks, blocks of the slice] tiles
  Workspace* spaces_ = nullptr;
};

void PrefillProduct::pack_input(ThreadPool& pool) const {
  spread(pool, row_blocks_, x_.rows * x_.cols, [&](int worker, int64_t row_block) {
    const int64_t row = row_block * kBf16Rows;
    const int64_t n_rows = std::min<int64_t>(kBf16Rows, x_.rows - row);
    for (int64_t first = 0; first < k_blocks_; first += slice_blocks_) {
      uint16_t* out = input(first, row_block);
      for (int64_t i = 0; i < slice_length(first); ++i) {
        kernels_.pack(x_.row(row) + (first + i) * kBlockK, x_.stride, n_rows, out + i * kBf16Tile);
      }
    }
  });
}

// Pairs of tiles stand one after another: [blocks of the slice, tiles of the pair] each.
void PrefillProduct::unpack(const Chunk& chunk, int64_t first, uint16_t* out) const {
  const PackedSegment& segment = chunk.segment;
  const IntegerLayout& layout = segment.layout;
  const int64_t length = slice_length(first);
  const int64_t skip = segment.integer ? first / layout.unit_blocks() * layout.unit_bytes()
                                       : first * kBlockK * kLanes * 2;
  for (int64_t i = 0; i < chunk.n_tiles; ++i) {
    const int64_t pair = i / kBf16MaxTiles * kBf16MaxTiles;
    const int64_t in_pair = std::min<int64_t>(kBf16MaxTiles, chunk.n_tiles - pair);
    Bf16Unpacking how = {.step = in_pair * kBf16Tile,
                         .next_tile = static_cast<int64_t>(segment.tile_bytes)};
    if (segment.integer) {
      const InputKind& kind = weight_.input_kinds()[segment.input_kind];
      how.zero = kind.zero;
      how.unit = kind.unit;
    }
    const uint8_t* tile =
        segment.tiles + static_cast<size_t>(chunk.first_tile + i) * segment.tile_bytes;
    segment.unpack_bf16(tile + skip, length, how, out + (pair * length + (i - pair)) * kBf16Tile);
  }
}

void PrefillProduct::multiply_slice(const Chunk& chunk, int64_t first, Workspace& space) const {
  const int64_t length = slice_length(first);
  const int64_t next = first + length;
  const int64_t steps =
      ceil_div(chunk.n_tiles, kBf16MaxTiles) * ceil_div(chunk.n_blocks, kBf16MaxRows) * length;
  // The next slice of these rows is fetched while this one is multiplied.
  const auto* ahead = reinterpret_cast<const std::byte*>(input_);
  int64_t lines = 0;
  if (next < k_blocks_) {
    ahead = reinterpret_cast<const std::byte*>(input(next, chunk.first_block));
    lines = chunk.n_blocks * slice_length(next) * (kBf16Tile / 32) / steps;
  }
  Block block{};
  for (; block.tile < chunk.n_tiles; block.tile += kBf16MaxTiles) {
    block.n_tiles = std::min<int64_t>(kBf16MaxTiles, chunk.n_tiles - block.tile);
    const uint16_t* w = space.weights + block.tile * length * kBf16Tile;
    float* sums = space.sums + block.tile * chunk.n_blocks * kBf16Sums;
    for (block.row = 0; block.row < chunk.n_blocks; block.row += kBf16MaxRows) {
      block.n_rows = std::min<int64_t>(kBf16MaxRows, chunk.n_blocks - block.row);
      kernels_.multiply[block.n_rows - 1][block.n_tiles - 1](
          {input(first, chunk.first_block + block.row), w, sums, length, first == 0, ahead, lines});
      ahead += lines * length * 64;
      if (next == k_blocks_) put_sums(chunk, block, sums);
      sums += block.n_rows * block.n_tiles * kBf16Sums;
    }
  }
}

// Puts the sums of up to a pair of row blocks and of tiles into y.
void PrefillProduct::put_sums(const Chunk& chunk, const Block& block, const float* sums) const {
  for (int64_t r = 0; r < block.n_rows; ++r) {
    const int64_t row = (chunk.first_block + block.row + r) * kBf16Rows;
    for (int64_t i = 0; i < block.n_tiles; ++i, sums += kBf16Sums) {
      const int64_t in_segment = (chunk.first_tile + block.tile + i) * kLanes;
      const int64_t col = chunk.segment.first_row + in_segment;
      weight_.kernels().put_sums(sums,
                                 {.y = y_.row(row) + col,
                                  .stride = y_.stride,
                                  .n_rows = std::min<int64_t>(kBf16Rows, y_.rows - row),
                                  .n_cols = std::min(kLanes, chunk.segment.n_rows - in_segment),
                                  .bias = bias_.empty() ? nullptr : bias_.data() + col,
                                  .accumulate = accumulate_});
    }
  }
}

void PrefillProduct::run_chunk(const Chunk& chunk, Workspace& space) const {
  kernels_.begin();
  for (int64_t first = 0; first < k_blocks_; first += slice_blocks_) {
    unpack(chunk, first, space.weights);
    multiply_slice(chunk, first, space);
  }
  kernels_.end();
}

void PrefillProduct::run_segment(const PackedSegment& segment, ThreadPool& pool) {
  const int64_t n_tiles = ceil_div(segment.n_rows, kLanes);
  const int64_t row_chunks = ceil_div(x_.rows, rows_per_chunk_);
  const int64_t wanted = kChunksPerThread * pool.n_threads();
  const int64_t tiles = std::clamp(n_tiles * row_chunks / wanted, kMinTiles, kMaxTiles);
  const int64_t tiles_per_chunk = ceil_div(tiles, kBf16MaxTiles) * kBf16MaxTiles;
  const int64_t tile_chunks = ceil_div(n_tiles, tiles_per_chunk);
  const int64_t work = x_.rows * x_.cols * segment.n_rows;
  spread(pool, tile_chunks * row_chunks, work, [&](int worker, int64_t i) {
    const int64_t first_tile = i % tile_chunks * tiles_per_chunk;
    const int64_t first_row = i / tile_chunks * rows_per_chunk_;
    const int64_t n_rows = std::min(rows_per_chunk_, x_.rows - first_row);
    run_chunk({segment, first_tile, std::min(tiles_per_chunk, n_tiles - first_tile),
               first_row / kBf16Rows, ceil_div(n_rows, kBf16Rows)},
              spaces_[worker]);
  });
}

void PrefillProduct::run(MatmulScratch& scratch, ThreadPool& pool) {
  OVERTAKE_CHECK(weight_.kernels().lanes == kLanes);
  const size_t input_bytes =
      static_cast<size_t>(row_blocks_ * k_blocks_ * kBf16Tile) * sizeof(uint16_t);
  std::byte* memory =
      scratch.take(input_bytes + static_cast<size_t>(pool.n_threads()) * sizeof(Workspace));
  input_ = reinterpret_cast<uint16_t*>(memory);
  spaces_ = reinterpret_cast<Workspace*>(memory + input_bytes);
  pack_input(pool);
  for (const PackedSegment& segment : weight_.segments()) run_segment(segment, pool);
}

}  // namespace

void matmul_bf16(Tensor x, const PackedWeight& weight, std::span<const float> bias, bool accumulate,
                 Tensor y, MatmulScratch& scratch, ThreadPool& pool) {
  PrefillProduct(x, weight, bias, accumulate, y).run(scratch, pool);
}

}  // namespace overtake
