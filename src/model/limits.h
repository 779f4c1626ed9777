// Bounds on what a checkpoint may claim of its own shape, so that sizes computed from it are small
// numbers. Wide enough for every published decoder.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "format/checkpoint.h"

namespace overtake {

constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxWidth = 1 << 20;
constexpr int64_t kMaxHeads = 1 << 14;
constexpr int64_t kMaxHeadDim = 1 << 12;
constexpr int64_t kMaxVocab = 1 << 24;
constexpr int64_t kMaxContext = 1 << 28;
constexpr int64_t kMaxStateDim = 1 << 12;     // of a state space
constexpr int64_t kMaxStateBytes = 1l << 36;  // of one sequence's recurrent state

// `value` if it lies in [low, high], else kDamaged with name and bounds.
Result<int64_t> check_range(std::string_view name, int64_t value, int64_t low, int64_t high);

// The first of `keys` that the metadata has, within [1, high]; an error naming the first otherwise.
Result<int64_t> get_bounded(const Metadata& metadata, std::span<const std::string_view> keys,
                            int64_t high);
// The same for a GGUF's key of its own architecture: "ARCH.name".
Result<int64_t> get_bounded(const Checkpoint& gguf, std::string_view name, int64_t high);

}  // namespace overtake
