// Peaks of AMX: products of whole tile registers, whose content does not matter.
#if defined(__x86_64__)

#include <immintrin.h>

#include "tensor/cpu/isa_region.h"
#include "tensor/cpu/peak_kernels.h"

OVERTAKE_REGION_BEGIN("amx-tile,amx-int8,amx-bf16")
namespace overtake::amx {
namespace {

// All eight registers hold 16 rows of 64 bytes.
struct PeakTiles {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(PeakTiles) == 64);
alignas(64) constexpr PeakTiles peak_tiles;
constexpr int kSums = 6;  // registers 0 to 5; 6 and 7 are multiplied
constexpr double kTileOutputs = 16 * 16;

// Sets all registers to zero, too.
void begin() { __asm__ volatile("ldtilecfg %0" : : "m"(peak_tiles) : "memory"); }

double run_int8(int64_t n_steps) {
  begin();
  for (int64_t i = 0; i < n_steps; ++i) {
    _tile_dpbusd(0, 6, 7);
    _tile_dpbusd(1, 6, 7);
    _tile_dpbusd(2, 6, 7);
    _tile_dpbusd(3, 6, 7);
    _tile_dpbusd(4, 6, 7);
    _tile_dpbusd(5, 6, 7);
  }
  _tile_release();
  return 2.0 * 64 * kTileOutputs * kSums * static_cast<double>(n_steps);
}

double run_bf16(int64_t n_steps) {
  begin();
  for (int64_t i = 0; i < n_steps; ++i) {
    _tile_dpbf16ps(0, 6, 7);
    _tile_dpbf16ps(1, 6, 7);
    _tile_dpbf16ps(2, 6, 7);
    _tile_dpbf16ps(3, 6, 7);
    _tile_dpbf16ps(4, 6, 7);
    _tile_dpbf16ps(5, 6, 7);
  }
  _tile_release();
  return 2.0 * 32 * kTileOutputs * kSums * static_cast<double>(n_steps);
}

}  // namespace
}  // namespace overtake::amx
OVERTAKE_REGION_END

namespace overtake {
namespace {
constexpr PeakKernel kernels[] = {
    {"tdpbusd", MultiplyKind::kInt8, std::nullopt, true, amx::run_int8},
    {"tdpbf16ps", MultiplyKind::kBf16, Extension::kAmxBf16, true, amx::run_bf16},
};
}  // namespace
const PeakKernels peak_kernels_amx = {kernels, nullptr};
}  // namespace overtake

#endif
