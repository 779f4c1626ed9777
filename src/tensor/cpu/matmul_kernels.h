// MatmulKernels: the inner loops of the matrix product that exist once per instruction set, and the
// layouts that they agree on with pack.cc and matmul.cc.
//
// A weight is cut into tiles of `lanes` output rows, each row of a tile in its own vector lane: a
// lane sums its output along K alone, in one order, whatever the number of rows or threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/cpu/cpu_backend.h"
#include "tensor/quant_type.h"

namespace overtake {

// Activations are quantized, and weights walked, in blocks of 32 along K.
constexpr int kBlockK = 32;
constexpr int kBlocksPerSuper = kMaxBlock / kBlockK;
constexpr int kMaxLanes = 16;
// What integer dots start from: see matmul_integer.inl.h.
constexpr int32_t kDotBias = 0x4b400000;
constexpr float kDotBiasFloat = 12582912.0f;
// Rows that one kernel call may take, from packed weights and from an unpacked panel.
constexpr int kMaxPackedRows = 4;
constexpr int kMaxPanelRows = 8;

// An activation for integer weights is (coarse * 2^fine_bits + fine) * scale, both codes int8: one
// int8 alone costs small models their wits (SmolLM2-135M: a mean KL of 0.005). The weights' bits
// choose fine_bits. Up to 5 bits, codes times 2^fine_bits are still bytes, so that a matrix unit
// takes coarse and fine as one dot of twice the length. With 6, sums of products remain within the
// 22 bits that kDotBias allows. With 8 they do not, and are converted to float instead.
constexpr int kFinest = 8;
constexpr int fine_bits(int bits) { return bits <= 5 ? 8 - bits : bits == 6 ? 5 : kFinest; }
constexpr bool uses_dot_bias(int bits) { return fine_bits(bits) < kFinest; }
constexpr bool folds_into_bytes(int bits) { return bits + fine_bits(bits) <= 8; }
// Bytes of one row's block: 32 coarse codes, 32 fine ones.
constexpr int kRowBlock = 2 * kBlockK;

// Quantized activations stand in panels of so many rows, the last one in what is left.
constexpr int64_t kPanelHeight = 16;

// What tells one integer kernel from another. See IntegerForm.
struct KernelForm {
  int bits;     // of a stored code
  int group;    // of one dot: 16 or 32
  bool nested;  // d and dmin per 256; else per group
  bool has_min;
  bool scaled = nested;  // an integer scale, and min, per group
  bool bf16_d = false;
  int dot_bits = bits;  // of the numbers that dots multiply: levels, or the codes themselves
  Levels levels = {};   // if there are any
  constexpr bool has_levels() const { return levels != Levels{}; }
  bool operator==(const KernelForm&) const = default;
};
KernelForm kernel_form(const IntegerForm& form);

// Bytes of one tile's packed weights. A unit is 256 elements of K if nested, else 32:
//   nested:  d f16 or bf16 [lanes], dmin f16 [lanes], then 8 times: scale i8 [groups][lanes],
//            min u8 [groups][lanes], codes
//   else:    d f16 [lanes], dmin f16 [lanes], codes
// without dmin and min where the form has none, and without scale if not scaled. Codes of 32
// elements stand in bit planes of 8, 4, 2 and 1 bits (6 = 4 + 2), the least significant bits first.
// A plane of b bits is b vectors of [lanes][4] bytes; elements 4 q to 4 q + 3 are bits b (q / b)
// and up of the bytes of vector q % b.
struct IntegerLayout {
  int lanes;
  KernelForm form;

  constexpr int groups() const { return kBlockK / form.group; }
  constexpr int code_bytes() const { return 4 * lanes * form.bits; }
  constexpr int unit_blocks() const { return form.nested ? kBlocksPerSuper : 1; }
  constexpr int head_bytes() const { return 2 * lanes * (form.has_min ? 2 : 1); }
  // Within a nested unit: the scales and mins of one block.
  constexpr int scale_bytes() const {
    return form.scaled ? groups() * lanes * (form.has_min ? 2 : 1) : 0;
  }
  constexpr int unit_bytes() const {
    return head_bytes() + unit_blocks() * (scale_bytes() + code_bytes());
  }
};

// Some rows of a panel of quantized activations. The first four pointers are at the first of the
// rows; `height` is the panel's number of rows, the step from block to block. `sum` of a group is
// that of coarse * 2^fine_bits + fine.
struct IntegerRows {
  const int8_t* codes;      // [n_blocks, height, kRowBlock]
  const float* scale;       // [n_blocks, height]
  const int32_t* zero_sum;  // [n_blocks, height, groups]: kDotBias, if used, - zero * sum
  const float* min_sum;     // [n_blocks, height, groups]: -sum * scale
  // [n_blocks]: bit r is clear where row r of the panel has no fine codes but zeros.
  const uint16_t* fine_rows;
  int64_t height;
  int64_t first;  // of the rows, in the panel
};

// Some blocks of a tile, unpacked: one byte a code, scales and mins in f32. Folded for a matrix
// unit, a block's codes times 2^fine_bits stand before those themselves.
struct IntegerPanel {
  uint8_t* codes;      // [n_blocks, 8, lanes, 4]
  int64_t code_bytes;  // from block to block: twice a block's if folded
  float* scale;        // [n_blocks, groups, lanes]
  float* min;          // the same; unused without min
};

// `sums` is [n rows of x, lanes], of x times the tile. From packed weights they start at 0 ...
using MultiplyPacked = void (*)(const uint8_t* tile, int64_t n_blocks, const IntegerRows& x,
                                float* sums);
// ... from a panel they go on from what is there. Both do the same operations in the same order,
// but that a panel leaves out dots with fine codes where all its rows have zeros.
using MultiplyPanel = void (*)(const IntegerPanel& panel, int64_t n_blocks, const IntegerRows& x,
                               float* sums);
using UnpackTile = void (*)(const uint8_t* units, int64_t n_blocks, const IntegerPanel& panel);

struct IntegerKernels {
  KernelForm form;
  MultiplyPacked packed[kMaxPackedRows];  // for 1, 2, ... rows
  UnpackTile unpack;
  UnpackTile unpack_folded;  // null where codes do not fold
  MultiplyPanel panel[kMaxPanelRows];
};

// A matrix unit that takes full panels of kPanelHeight rows, nested or not. `begin` and `end`
// enclose the products of one thread.
struct TileKernels {
  int group;
  bool has_min;
  bool folded;  // takes folded codes; else those that do not fold
  void (*begin)();
  MultiplyPanel multiply;
  void (*end)();
};

// A tile of float weights is [k, lanes] in the file's type; x is [k, n rows].
using MultiplyFloat = void (*)(const uint8_t* tile, int64_t n_k, const float* x, float* sums);

struct FloatKernels {
  FloatForm form;
  MultiplyFloat rows[kMaxPanelRows];
};

// Which blocks of 32 activations get fine codes. Prompts keep them where they matter most: with one
// int8, a block errs by its largest number, so blocks whose largest is kOutlier times the row's
// mean of them err most. Those are 2 to 4 % of SmolLM2-135M's, and keeping them takes its mean KL
// from 2.7e-3, that of one int8 alone, to 1.1e-3.
enum class FineCodes { kAll, kOfOutliers };
constexpr float kOutlier = 3;

// One row's blocks as a row of a panel `height` high; both terms' codes are in [-127, 127].
// half_sums: of each 16, as [n_blocks, height, 2].
struct QuantizedRow {
  int8_t* codes;
  float* scale;
  int32_t* half_sums;
  uint16_t* fine_rows;  // [n_blocks]: gets `bit` set where there are fine codes
  uint16_t bit;
  int64_t height;
};

// Where the sums of some rows of a tile go: y = sums + bias, or y += that.
struct TileOutput {
  float* y;  // of the first row and output
  int64_t stride;
  int64_t n_rows;
  int64_t n_cols;     // the tile's lanes that are outputs
  const float* bias;  // [n_cols], or null
  bool accumulate;
};

// Prompts on a matrix unit for bf16: weights are unpacked to bf16, and activations rounded to it
// (a relative error of 2^-9 each, which averages out; int8 codes err by several times that).
//
// A tile of activations is [16 rows, 32 along K], one of weights [16 pairs along K, 16 outputs, 2],
// one of sums [16 rows, 16 outputs] of f32; each has 1 KiB.
constexpr int kBf16Rows = 16;
constexpr int kBf16Tile = kBf16Rows * kBlockK;  // numbers
constexpr int kBf16Sums = kBf16Rows * 16;
constexpr int kBf16MaxRows = 2;   // blocks of 16 rows in one product
constexpr int kBf16MaxTiles = 2;  // tiles of outputs

// Blocks of rows times tiles of outputs over a slice of K; of two of each, any number of times.
struct Bf16Product {
  const uint16_t* x;       // [row blocks, n_blocks] tiles
  const uint16_t* w;       // [n_blocks, output tiles] tiles
  float* sums;             // [row blocks, output tiles] tiles
  int64_t n_blocks;        // at least 1
  int64_t n_pairs;         // of row blocks, where the kernel takes pairs
  bool first_slice;        // sums start at zero; else they go on
  const std::byte* ahead;  // what is fetched into L2 meanwhile,
  int64_t lines_ahead;     // so many lines of 64 bytes with each block
};

struct Bf16Unpacking {
  int64_t step;       // numbers from one block's tile to the next
  int64_t next_tile;  // bytes on, what is read after this
  int zero = 0;       // of codes, if the form has no min
  float unit = 1;
};
using UnpackBf16 = void (*)(const uint8_t* units, int64_t n_blocks, const Bf16Unpacking& how,
                            uint16_t* out);

// How weights of one form become bf16.
struct Bf16Form {
  KernelForm form;     // of integer weights
  FloatForm floating;  // or of others
  UnpackBf16 unpack;
};

struct Bf16Kernels {
  void (*begin)();  // both enclose the products of one thread
  void (*end)();
  void (*multiply[kBf16MaxRows][kBf16MaxTiles])(const Bf16Product& p);  // for 1, 2, ... of each
  // 32 numbers of each of n_rows <= 16 rows into a tile.
  void (*pack)(const float* x, int64_t stride, int64_t n_rows, uint16_t* tile);
  // x [16 rows, 16] into the numbers from `tile` on, 32 from row to row.
  void (*pack_half)(const float* x, uint16_t* tile);
  std::span<const Bf16Form> forms;
};

struct MatmulKernels {
  int lanes;
  // Codes of 8 bits are taken as code - byte_zero (AVX2 multiplies them as signed numbers).
  int byte_zero;
  std::span<const IntegerKernels> integer;
  std::span<const FloatKernels> floating;
  void (*quantize)(const float* x, int64_t n_blocks, int fine_bits, FineCodes which,
                   const QuantizedRow& out);
  void (*put_sums)(const float* sums, const TileOutput& out);
  std::span<const TileKernels> tiles = {};
  const Bf16Kernels* bf16 = nullptr;  // where there is such a unit; lanes is 16 then
};

extern const MatmulKernels matmul_kernels_scalar;
#if defined(__x86_64__)
extern const MatmulKernels matmul_kernels_avx2;
extern const MatmulKernels matmul_kernels_avxvnni;
extern const MatmulKernels matmul_kernels_avx512;
extern const std::span<const TileKernels> matmul_tiles_amx;
extern const Bf16Kernels matmul_bf16_amx;
#endif
const MatmulKernels& matmul_kernels_for(Isa isa);

}  // namespace overtake
