#include "tensor/cpu/pack_tile.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "base/half.h"

namespace overtake {
namespace {

// What one unit of a tile is made from: a file block of each lane.
using TileBlocks = std::array<IntegerBlock, kMaxLanes>;

using ToHalf = uint16_t (*)(float);

uint8_t* put_halves(const TileBlocks& blocks, float IntegerBlock::* value, ToHalf to_half,
                    int lanes, uint8_t* out) {
  for (int lane = 0; lane < lanes; ++lane) {
    const uint16_t half = to_half(blocks[static_cast<size_t>(lane)].*value);
    std::memcpy(out + 2 * lane, &half, sizeof half);
  }
  return out + 2 * lanes;
}

// The scales, and mins, of the groups from `first` on.
uint8_t* put_scales(const TileBlocks& blocks, const IntegerLayout& layout, int first,
                    uint8_t* out) {
  for (int g = first; g < first + layout.groups(); ++g) {
    for (int lane = 0; lane < layout.lanes; ++lane) {
      *out++ = static_cast<uint8_t>(blocks[static_cast<size_t>(lane)].scale[g]);
    }
  }
  if (!layout.form.has_min) return out;
  for (int g = first; g < first + layout.groups(); ++g) {
    for (int lane = 0; lane < layout.lanes; ++lane) {
      *out++ = blocks[static_cast<size_t>(lane)].min[g];
    }
  }
  return out;
}

// The bit planes of 32 codes of each lane, from element `first` on.
uint8_t* put_codes(const TileBlocks& blocks, const IntegerLayout& layout, int first, uint8_t* out) {
  uint32_t quads[8][kMaxLanes] = {};
  for (int lane = 0; lane < layout.lanes; ++lane) {
    const uint8_t* codes = blocks[static_cast<size_t>(lane)].code + first;
    for (int q = 0; q < 8; ++q) std::memcpy(&quads[q][lane], codes + 4 * q, 4);
  }
  int shift = 0;
  for (const int plane : {8, 4, 2, 1}) {
    if (!(layout.form.bits & plane)) continue;
    const uint32_t mask = 0x01010101u * ((1u << plane) - 1u);
    for (int j = 0; j < plane; ++j) {
      uint32_t vector[kMaxLanes] = {};
      for (int part = 0; part < 8 / plane; ++part) {
        for (int lane = 0; lane < kMaxLanes; ++lane) {
          vector[lane] |= (quads[part * plane + j][lane] >> shift & mask) << (part * plane);
        }
      }
      const size_t size = 4 * static_cast<size_t>(layout.lanes);
      std::memcpy(out, vector, size);
      out += size;
    }
    shift += plane;
  }
  return out;
}

template <typename T>
void interleave(TileRows rows, int64_t n_in, uint8_t* out) {
  for (int64_t k = 0; k < n_in; ++k) {
    for (const std::byte* row : rows) {
      T value{};
      if (row != nullptr) std::memcpy(&value, row + k * static_cast<int64_t>(sizeof(T)), sizeof(T));
      std::memcpy(out, &value, sizeof(T));
      out += sizeof(T);
    }
  }
}

}  // namespace

void pack_integer_tile(const QuantType& type, const IntegerLayout& layout, TileRows rows,
                       int64_t n_in, uint8_t* out) {
  OVERTAKE_CHECK(rows.size() <= kMaxLanes && type.block == layout.unit_blocks() * kBlockK);
  TileBlocks blocks;
  std::memset(blocks.data(), 0, sizeof blocks);
  for (int64_t unit = 0; unit < n_in / type.block; ++unit) {
    for (size_t lane = 0; lane < rows.size(); ++lane) {
      if (rows[lane] != nullptr) {
        type.to_integers(rows[lane] + unit * type.block_bytes, &blocks[lane]);
      }
    }
    const ToHalf to_half = layout.form.bf16_d ? f32_to_bf16 : f32_to_f16;
    out = put_halves(blocks, &IntegerBlock::d, to_half, layout.lanes, out);
    if (layout.form.has_min) {
      out = put_halves(blocks, &IntegerBlock::dmin, to_half, layout.lanes, out);
    }
    for (int i = 0; i < layout.unit_blocks(); ++i) {
      if (layout.form.scaled) out = put_scales(blocks, layout, i * layout.groups(), out);
      out = put_codes(blocks, layout, i * kBlockK, out);
    }
  }
}

void pack_float_tile(int element_bytes, TileRows rows, int64_t n_in, uint8_t* out) {
  element_bytes == 4 ? interleave<uint32_t>(rows, n_in, out)
                     : interleave<uint16_t>(rows, n_in, out);
}

}  // namespace overtake
