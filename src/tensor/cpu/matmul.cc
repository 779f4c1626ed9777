#include "tensor/cpu/matmul.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/cpu/matmul_input.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {
namespace {

// Blocks of K that are unpacked at a time: 16 KB of codes beside the scales, half of an L1 cache.
constexpr int64_t kSliceBlocks = 32;
// Rows that share an unpacked slice, and the bytes of their activations, which stay in L2.
constexpr int64_t kSharedRows = 256;
constexpr int64_t kSharedBytes = 1 << 20;
// Weights from the file's memory that are worth a chunk of their own.
constexpr int64_t kChunkBytes = 16384;
constexpr int64_t kChunksPerThread = 8;
constexpr int kMaxSegments = 64;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Product {
  const PackedWeight& weight;
  const MatmulScratch& input;
  std::span<const float> bias;
  bool accumulate;
  Tensor y;
};

// How one segment's work is cut: chunks of tiles times blocks of rows.
struct Cut {
  int64_t n_tiles;
  int64_t tiles_per_chunk;
  int64_t rows_per_chunk;
  int64_t tile_chunks;
  int64_t n_chunks;
};

bool uses_packed(const PackedSegment& segment, int64_t n_rows) {
  return segment.integer && n_rows <= kMaxPackedRows;
}

Cut cut_segment(const Product& p, const PackedSegment& segment, int n_threads) {
  Cut cut;
  const int64_t lanes = p.weight.kernels().lanes;
  cut.n_tiles = ceil_div(segment.n_rows, lanes);
  cut.rows_per_chunk = p.y.rows;
  const int64_t wanted = kChunksPerThread * n_threads;
  int64_t least_tiles = 1;
  if (p.y.rows <= kMaxPackedRows) {
    least_tiles = ceil_div(kChunkBytes, static_cast<int64_t>(segment.tile_bytes));
  } else {
    const int64_t fitting = kSharedBytes / p.weight.n_in() / kPanelHeight * kPanelHeight;
    cut.rows_per_chunk = std::min(p.y.rows, std::clamp(fitting, kPanelHeight, kSharedRows));
  }
  const int64_t row_chunks = ceil_div(p.y.rows, cut.rows_per_chunk);
  cut.tiles_per_chunk = std::clamp<int64_t>(cut.n_tiles * row_chunks / wanted, 1, cut.n_tiles);
  cut.tiles_per_chunk = std::max(cut.tiles_per_chunk, least_tiles);
  cut.tile_chunks = ceil_div(cut.n_tiles, cut.tiles_per_chunk);
  cut.n_chunks = cut.tile_chunks * row_chunks;
  return cut;
}

// Where some rows of one tile's sums go.
struct TileOutput {
  int64_t first_row;
  int64_t n_rows;
  int64_t first_col;
  int64_t n_cols;
};

// y = sums + bias, or y += that. `sums` is [n_rows, lanes].
void put_sums(const Product& p, const float* sums, const TileOutput& out) {
  const int lanes = p.weight.kernels().lanes;
  const float* bias = p.bias.empty() ? nullptr : p.bias.data() + out.first_col;
  for (int64_t r = 0; r < out.n_rows; ++r, sums += lanes) {
    float* y = p.y.row(out.first_row + r) + out.first_col;
    for (int64_t i = 0; i < out.n_cols; ++i) {
      const float value = bias ? sums[i] + bias[i] : sums[i];
      y[i] = p.accumulate ? y[i] + value : value;
    }
  }
}

void multiply_packed_tile(const Product& p, const PackedSegment& segment, const uint8_t* tile,
                          const TileOutput& out) {
  alignas(64) float sums[kMaxPackedRows * kMaxLanes];
  segment.integer->packed[out.n_rows - 1](
      tile, p.weight.n_in() / kBlockK, p.input.integer_rows(segment.sum_kind, out.first_row), sums);
  put_sums(p, sums, out);
}

IntegerRows skip_blocks(IntegerRows rows, int64_t n_blocks, int groups) {
  const int64_t n = n_blocks * rows.height;
  rows.codes += n * kBlockK;
  rows.scale += n;
  if (rows.zero_sum) rows.zero_sum += n * groups;
  if (rows.min_sum) rows.min_sum += n * groups;
  return rows;
}

// Unpacks the tile slice by slice; each slice multiplies all rows while it is in L1.
void multiply_panel_tile(const Product& p, const PackedSegment& segment, const uint8_t* tile,
                         const TileOutput& out) {
  alignas(64) uint8_t codes[kSliceBlocks * kBlockK * kMaxLanes];
  alignas(64) float scale[kSliceBlocks * 2 * kMaxLanes];
  alignas(64) float min[kSliceBlocks * 2 * kMaxLanes];
  alignas(64) float sums[kSharedRows * kMaxLanes];
  const IntegerPanel panel = {codes, scale, min};
  const IntegerLayout& layout = segment.layout;
  const int64_t n_blocks = p.weight.n_in() / kBlockK;
  std::fill_n(sums, out.n_rows * layout.lanes, 0.0f);
  for (int64_t begin = 0; begin < n_blocks; begin += kSliceBlocks) {
    const int64_t count = std::min(kSliceBlocks, n_blocks - begin);
    segment.integer->unpack(tile + begin / layout.unit_blocks() * layout.unit_bytes(), count,
                            panel);
    for (int64_t r = 0; r < out.n_rows;) {
      const int64_t row = out.first_row + r;
      const IntegerRows x = p.input.integer_rows(segment.sum_kind, row);
      const int64_t left = std::min(x.height - row % kPanelHeight, out.n_rows - r);
      const bool full = segment.unit && left == kPanelHeight;
      const int64_t n = full ? left : std::min(left, int64_t{kMaxPanelRows});
      const MultiplyPanel multiply = full ? segment.unit->multiply : segment.integer->panel[n - 1];
      multiply(panel, count, skip_blocks(x, begin, layout.groups()), sums + r * layout.lanes);
      r += n;
    }
  }
  put_sums(p, sums, out);
}

void multiply_float_tile(const Product& p, const PackedSegment& segment, const uint8_t* tile,
                         const TileOutput& out) {
  alignas(64) float sums[kMaxPanelRows * kMaxLanes];
  for (int64_t r = 0; r < out.n_rows; r += kMaxPanelRows) {
    const int64_t n = std::min<int64_t>(kMaxPanelRows, out.n_rows - r);
    const int64_t row = out.first_row + r;
    segment.floating->rows[n - 1](tile, p.weight.n_in(), p.input.float_rows(row), sums);
    put_sums(p, sums, {row, n, out.first_col, out.n_cols});
  }
}

void run_chunk(const Product& p, const PackedSegment& segment, const Cut& cut, int64_t chunk) {
  const int64_t lanes = p.weight.kernels().lanes;
  const int64_t first_tile = chunk % cut.tile_chunks * cut.tiles_per_chunk;
  const int64_t last_tile = std::min(first_tile + cut.tiles_per_chunk, cut.n_tiles);
  const int64_t first_row = chunk / cut.tile_chunks * cut.rows_per_chunk;
  const int64_t n_rows = std::min(cut.rows_per_chunk, p.y.rows - first_row);
  const bool with_unit = segment.unit && n_rows >= kPanelHeight;
  if (with_unit) segment.unit->begin();
  for (int64_t t = first_tile; t < last_tile; ++t) {
    const uint8_t* tile = segment.tiles + static_cast<size_t>(t) * segment.tile_bytes;
    const TileOutput out = {first_row, n_rows, segment.first_row + t * lanes,
                            std::min(lanes, segment.n_rows - t * lanes)};
    if (segment.floating) {
      multiply_float_tile(p, segment, tile, out);
    } else if (uses_packed(segment, p.y.rows)) {
      multiply_packed_tile(p, segment, tile, out);
    } else {
      multiply_panel_tile(p, segment, tile, out);
    }
  }
  if (with_unit) segment.unit->end();
}

}  // namespace

const MatmulKernels& matmul_kernels_for(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return matmul_kernels_avx2;
    case Isa::kAvx512:
      return matmul_kernels_avx512;
    case Isa::kAmx: {
      static const MatmulKernels kernels = [] {
        MatmulKernels out = matmul_kernels_avx512;
        out.tiles = matmul_tiles_amx;
        return out;
      }();
      return kernels;
    }
#endif
    default:
      return matmul_kernels_scalar;
  }
}

void matmul(Tensor x, const Weight& weight, std::span<const float> bias, bool accumulate, Tensor y,
            MatmulScratch& scratch, ThreadPool& pool) {
  const auto& packed = static_cast<const PackedWeight&>(weight);
  OVERTAKE_CHECK(x.cols == weight.n_in() && y.cols == weight.n_out() && x.rows == y.rows);
  OVERTAKE_CHECK(bias.empty() || static_cast<int64_t>(bias.size()) == weight.n_out());
  if (x.rows == 0) return;
  scratch.load(x, packed, pool);
  const Product product = {packed, scratch, bias, accumulate, y};
  const std::span<const PackedSegment> segments = packed.segments();
  // Runs of segments, so that their cuts fit on the stack; nearly always there is one or two.
  for (size_t first = 0; first < segments.size(); first += kMaxSegments) {
    const size_t n = std::min<size_t>(kMaxSegments, segments.size() - first);
    Cut cuts[kMaxSegments];
    int64_t n_chunks = 0;
    for (size_t i = 0; i < n; ++i) {
      cuts[i] = cut_segment(product, segments[first + i], pool.n_threads());
      n_chunks += cuts[i].n_chunks;
    }
    pool.parallel_for(static_cast<int>(n_chunks), [&](int index) {
      int64_t chunk = index;
      size_t i = 0;
      while (chunk >= cuts[i].n_chunks) chunk -= cuts[i++].n_chunks;
      run_chunk(product, segments[first + i], cuts[i], chunk);
    });
  }
}

}  // namespace overtake
