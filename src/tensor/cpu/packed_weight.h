// PackedWeight: the Weight of the CPU backend. Rows of one tensor type after another form a
// segment; each segment is a run of tiles in the layout of matmul_kernels.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/cpu/matmul_kernels.h"
#include "tensor/cpu/weight_memory.h"
#include "tensor/weight.h"

namespace overtake {

// Of what pack.cc and pack_tile.cc write, for copies of it on disk: counts up with every change of
// one byte of it (PackedCopy.LayoutChangesOnlyWithItsVersion).
constexpr uint64_t kPackingVersion = 1;

// How a segment needs the activations.
struct InputKind {
  int fine_bits;
  bool dot_bias;
  int groups;    // in 32 elements
  int zero;      // if not has_min: that of zero_sum
  bool has_min;  // min_sum instead of zero_sum
  float unit;    // a factor of their scales
  bool operator==(const InputKind&) const = default;
};

struct PackedSegment {
  int64_t first_row = 0;
  int64_t n_rows = 0;
  // One of the two is set.
  const IntegerKernels* integer = nullptr;
  const FloatKernels* floating = nullptr;
  const TileKernels* unit = nullptr;  // if integer, where there is a matrix unit
  UnpackBf16 unpack_bf16 = nullptr;   // where there is one for bf16
  IntegerLayout layout{};             // if integer
  size_t input_kind = 0;              // if integer: index into input_kinds()
  size_t tile_bytes = 0;
  const uint8_t* tiles = nullptr;
};

class PackedWeight final : public Weight {
 public:
  PackedWeight(int64_t n_out, int64_t n_in, const MatmulKernels& kernels)
      : Weight(n_out, n_in), kernels_(kernels) {}

  size_t bytes() const override { return memory_.size; }
  std::span<const std::byte> memory() const { return {memory_.data, memory_.size}; }
  const MatmulKernels& kernels() const { return kernels_; }
  const std::vector<PackedSegment>& segments() const { return segments_; }
  const std::vector<InputKind>& input_kinds() const { return input_kinds_; }
  bool has_floats() const { return has_floats_; }
  // Whether prompts multiply all of it in bf16.
  bool has_bf16() const { return has_bf16_; }

 private:
  friend class WeightPacker;
  const MatmulKernels& kernels_;
  std::vector<PackedSegment> segments_;
  std::vector<InputKind> input_kinds_;
  bool has_floats_ = false;
  bool has_bf16_ = false;
  WeightMemory memory_;
};

}  // namespace overtake
