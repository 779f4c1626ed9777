#include "tensor/cpu/matmul.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/cpu/matmul_bf16.h"
#include "tensor/cpu/matmul_input.h"
#include "tensor/cpu/packed_weight.h"
#include "tensor/cpu/spread.h"

namespace overtake {
namespace {

// Tiles, and blocks of K of each, that are unpacked at a time; each activation read serves all of
// these tiles.
constexpr int64_t kTilesAtOnce = 2;
constexpr int64_t kSliceBlocks = 32;
constexpr int64_t kUnpackAhead = 2;  // blocks past the last that a matrix unit reads
// Rows that share unpacked tiles, and the bytes of their activations, which stay in L2.
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

Cut cut_segment(const Product& p, const PackedSegment& segment, int n_threads) {
  Cut cut;
  const int64_t lanes = p.weight.kernels().lanes;
  cut.n_tiles = ceil_div(segment.n_rows, lanes);
  const int64_t n_rows = p.y.rows;
  cut.rows_per_chunk = n_rows;
  const int64_t wanted = kChunksPerThread * n_threads;
  int64_t least_tiles = 1;
  if (n_rows <= kMaxPackedRows) {
    least_tiles = ceil_div(kChunkBytes, static_cast<int64_t>(segment.tile_bytes));
  } else {
    const int64_t fitting = kSharedBytes / (2 * p.weight.n_in()) / kPanelHeight * kPanelHeight;
    cut.rows_per_chunk = std::min(n_rows, std::clamp(fitting, kPanelHeight, kSharedRows));
  }
  const int64_t row_chunks = ceil_div(n_rows, cut.rows_per_chunk);
  cut.tiles_per_chunk = std::clamp<int64_t>(cut.n_tiles * row_chunks / wanted, 1, cut.n_tiles);
  cut.tiles_per_chunk =
      ceil_div(std::max(cut.tiles_per_chunk, least_tiles), kTilesAtOnce) * kTilesAtOnce;
  cut.tile_chunks = ceil_div(cut.n_tiles, cut.tiles_per_chunk);
  cut.n_chunks = cut.tile_chunks * row_chunks;
  return cut;
}

// Some rows of the outputs of some tiles.
struct Part {
  const PackedSegment& segment;
  int64_t first_tile;
  int64_t n_tiles;
  int64_t first_row;
  int64_t n_rows;

  const uint8_t* tile(int64_t i) const {
    return segment.tiles + static_cast<size_t>(first_tile + i) * segment.tile_bytes;
  }
};

// Puts `n_rows` rows of sums of the part's tile `i`, from its row `r` on, into y.
void put_sums(const Product& p, const Part& part, int64_t i, int64_t r, int64_t n_rows,
              const float* sums) {
  const int64_t lanes = p.weight.kernels().lanes;
  const int64_t in_segment = (part.first_tile + i) * lanes;
  const int64_t col = part.segment.first_row + in_segment;
  p.weight.kernels().put_sums(sums, {.y = p.y.row(part.first_row + r) + col,
                                     .stride = p.y.stride,
                                     .n_rows = n_rows,
                                     .n_cols = std::min(lanes, part.segment.n_rows - in_segment),
                                     .bias = p.bias.empty() ? nullptr : p.bias.data() + col,
                                     .accumulate = p.accumulate});
}

void multiply_packed(const Product& p, const Part& part) {
  alignas(64) float sums[kMaxPackedRows * kMaxLanes];
  const MultiplyPacked multiply = part.segment.integer->packed[part.n_rows - 1];
  const IntegerRows x = p.input.integer_rows(part.segment.input_kind, part.first_row);
  for (int64_t i = 0; i < part.n_tiles; ++i) {
    multiply(part.tile(i), p.weight.n_in() / kBlockK, x, sums);
    put_sums(p, part, i, 0, part.n_rows, sums);
  }
}

IntegerRows skip_blocks(IntegerRows rows, int64_t n_blocks, int groups) {
  const int64_t n = n_blocks * rows.height;
  rows.codes += n * kRowBlock;
  rows.scale += n;
  rows.fine_rows += n_blocks;
  if (rows.zero_sum) rows.zero_sum += n * groups;
  if (rows.min_sum) rows.min_sum += n * groups;
  return rows;
}

// One slice of K of a few tiles, unpacked, and the sums of all rows so far.
struct PanelSpace {
  alignas(64) uint8_t codes[kTilesAtOnce][(kSliceBlocks + kUnpackAhead) * 2 * kBlockK * kMaxLanes];
  alignas(64) float scale[kTilesAtOnce][kSliceBlocks * 2 * kMaxLanes];
  alignas(64) float min[kTilesAtOnce][kSliceBlocks * 2 * kMaxLanes];
  alignas(64) float sums[kTilesAtOnce][kSharedRows * kMaxLanes];
};

bool uses_unit(const Part& part) { return part.segment.unit && part.n_rows >= kPanelHeight; }
bool folds(const Part& part) { return uses_unit(part) && part.segment.unit->folded; }

// Tile `i` unpacked; `folded` as a matrix unit reads it, else as the panel kernels do.
IntegerPanel panel_of(const Part& part, PanelSpace& space, int64_t i, bool folded) {
  const int64_t block_bytes = kBlockK * part.segment.layout.lanes;
  const bool both = folds(part);
  return {space.codes[i] + (both && !folded ? block_bytes : 0),
          both ? 2 * block_bytes : block_bytes, space.scale[i], space.min[i]};
}

void unpack_slice(const Part& part, PanelSpace& space, int64_t begin, int64_t n_blocks) {
  const IntegerLayout& layout = part.segment.layout;
  const bool folded = folds(part);
  const UnpackTile unpack =
      folded ? part.segment.integer->unpack_folded : part.segment.integer->unpack;
  for (int64_t i = 0; i < part.n_tiles; ++i) {
    unpack(part.tile(i) + begin / layout.unit_blocks() * layout.unit_bytes(), n_blocks,
           panel_of(part, space, i, folded));
  }
}

// Rows from `r` on, as many as one kernel takes: that number.
int64_t multiply_slice(const Product& p, const Part& part, PanelSpace& space, int64_t begin,
                       int64_t r) {
  const PackedSegment& segment = part.segment;
  const int64_t row = part.first_row + r;
  const IntegerRows x = p.input.integer_rows(segment.input_kind, row);
  const int64_t left = std::min(x.height - row % kPanelHeight, part.n_rows - r);
  const bool full = uses_unit(part) && left == kPanelHeight;
  const int64_t n = full ? left : std::min(left, int64_t{kMaxPanelRows});
  const MultiplyPanel multiply = full ? segment.unit->multiply : segment.integer->panel[n - 1];
  const int64_t n_blocks = std::min(kSliceBlocks, p.weight.n_in() / kBlockK - begin);
  const IntegerRows from_begin = skip_blocks(x, begin, segment.layout.groups());
  for (int64_t i = 0; i < part.n_tiles; ++i) {
    multiply(panel_of(part, space, i, full), n_blocks, from_begin,
             space.sums[i] + r * segment.layout.lanes);
  }
  return n;
}

// Unpacks tiles slice by slice; each slice multiplies all rows while it is in L1.
void multiply_panels(const Product& p, const Part& part) {
  PanelSpace space;
  const int lanes = part.segment.layout.lanes;
  const int64_t n_blocks = p.weight.n_in() / kBlockK;
  for (int64_t i = 0; i < part.n_tiles; ++i) {
    std::fill_n(space.sums[i], part.n_rows * lanes, 0.0f);
  }
  for (int64_t begin = 0; begin < n_blocks; begin += kSliceBlocks) {
    unpack_slice(part, space, begin, std::min(kSliceBlocks, n_blocks - begin));
    for (int64_t r = 0; r < part.n_rows;) r += multiply_slice(p, part, space, begin, r);
  }
  for (int64_t r = 0; r < part.n_rows; r += kPanelHeight) {
    for (int64_t i = 0; i < part.n_tiles; ++i) {
      put_sums(p, part, i, r, std::min(kPanelHeight, part.n_rows - r), space.sums[i] + r * lanes);
    }
  }
}

void multiply_floats(const Product& p, const Part& part) {
  alignas(64) float sums[kMaxPanelRows * kMaxLanes];
  for (int64_t i = 0; i < part.n_tiles; ++i) {
    for (int64_t r = 0; r < part.n_rows; r += kMaxPanelRows) {
      const int64_t n = std::min<int64_t>(kMaxPanelRows, part.n_rows - r);
      part.segment.floating->rows[n - 1](part.tile(i), p.weight.n_in(),
                                         p.input.float_rows(part.first_row + r), sums);
      put_sums(p, part, i, r, n, sums);
    }
  }
}

void run_chunk(const Product& p, const PackedSegment& segment, const Cut& cut, int64_t chunk) {
  const int64_t first_tile = chunk % cut.tile_chunks * cut.tiles_per_chunk;
  const int64_t first_row = chunk / cut.tile_chunks * cut.rows_per_chunk;
  const int64_t n_rows = p.y.rows;
  Part part = {segment, first_tile, std::min(cut.tiles_per_chunk, cut.n_tiles - first_tile),
               first_row, std::min(cut.rows_per_chunk, n_rows - first_row)};
  if (segment.floating) return multiply_floats(p, part);
  if (n_rows <= kMaxPackedRows) return multiply_packed(p, part);
  const bool with_unit = uses_unit(part);
  if (with_unit) segment.unit->begin();
  const int64_t end = part.first_tile + part.n_tiles;
  for (; part.first_tile < end; part.first_tile += kTilesAtOnce) {
    part.n_tiles = std::min(kTilesAtOnce, end - part.first_tile);
    multiply_panels(p, part);
  }
  if (with_unit) segment.unit->end();
}

}  // namespace

const MatmulKernels& matmul_kernels_for(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return matmul_kernels_avx2;
    case Isa::kAvxVnni:
      return matmul_kernels_avxvnni;
    case Isa::kAvx512:
      return matmul_kernels_avx512;
    case Isa::kAmx: {
      static const MatmulKernels kernels = [] {
        MatmulKernels out = matmul_kernels_avx512;
        out.tiles = matmul_tiles_amx;
        out.bf16 = &matmul_bf16_amx;
        return out;
      }();
      return kernels;
    }
#endif
    default:
      return matmul_kernels_scalar;
  }
}

namespace {

void check_shapes(const Tensor& x, const Weight& weight, std::span<const float> bias,
                  const Tensor& y) {
  OVERTAKE_CHECK(x.cols == weight.n_in() && y.cols == weight.n_out() && x.rows == y.rows);
  OVERTAKE_CHECK(bias.empty() || static_cast<int64_t>(bias.size()) == weight.n_out());
}

// The product of what its input holds.
void multiply(const Product& product, ThreadPool& pool) {
  const std::span<const PackedSegment> segments = product.weight.segments();
  // Runs of segments, so that their cuts fit on the stack; nearly always there is one or two.
  for (size_t first = 0; first < segments.size(); first += kMaxSegments) {
    const size_t n = std::min<size_t>(kMaxSegments, segments.size() - first);
    Cut cuts[kMaxSegments];
    int64_t n_chunks = 0;
    for (size_t i = 0; i < n; ++i) {
      cuts[i] = cut_segment(product, segments[first + i], pool.n_threads());
      n_chunks += cuts[i].n_chunks;
    }
    spread_runs(pool, n_chunks, [&](int64_t chunk) {
      size_t i = 0;
      while (chunk >= cuts[i].n_chunks) chunk -= cuts[i++].n_chunks;
      run_chunk(product, segments[first + i], cuts[i], chunk);
    });
  }
}

}  // namespace

void matmul(Tensor x, const Weight& weight, std::span<const float> bias, bool accumulate, Tensor y,
            MatmulScratch& scratch, ThreadPool& pool) {
  const auto& packed = static_cast<const PackedWeight&>(weight);
  check_shapes(x, weight, bias, y);
  if (x.rows == 0) return;
  scratch.load(x, packed, FineCodes::kAll, pool);
  multiply({packed, scratch, bias, accumulate, y}, pool);
}

void matmul_prefill(Tensor x, const Weight& weight, std::span<const float> bias, bool accumulate,
                    Tensor y, MatmulScratch& scratch, ThreadPool& pool) {
  const auto& packed = static_cast<const PackedWeight&>(weight);
  check_shapes(x, weight, bias, y);
  if (x.rows == 0) return;
  if (packed.has_bf16()) return matmul_bf16(x, packed, bias, accumulate, y, scratch, pool);
  scratch.load(x, packed, FineCodes::kOfOutliers, pool);
  multiply({packed, scratch, bias, accumulate, y}, pool);
}

void mlp_prefill(Tensor x, const Mlp& mlp, Tensor into, MatmulScratch& scratch, ThreadPool& pool) {
  OVERTAKE_CHECK(mlp.up.n_out() == (mlp.gated ? 2 : 1) * mlp.down.n_in());
  OVERTAKE_CHECK(x.cols == mlp.up.n_in() && into.cols == mlp.down.n_out() && x.rows == into.rows);
  if (x.rows > 0) mlp_bf16(x, mlp, into, scratch, pool);
}

bool can_fuse_prefill(const Mlp& mlp) { return fits_mlp_bf16(mlp); }

bool prefills_in_bf16(const Weight& weight) {
  return static_cast<const PackedWeight&>(weight).has_bf16();
}

bool prefills_otherwise(const Weight& weight) {
  const auto& packed = static_cast<const PackedWeight&>(weight);
  return packed.has_bf16() || !packed.input_kinds().empty();
}

}  // namespace overtake
