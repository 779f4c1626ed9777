// Recurrent state: what a layer that is a recurrence carries from token to token. Its size does not
// grow with the sequence, and it can not be cut back to an earlier token: whoever wants to go back
// keeps a copy from then (SequenceState::checkpoint).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "tensor/large_block.h"

namespace overtake {

// Channels that lie side by side for each state dimension: one cache line, one AVX-512 register.
constexpr int kChannelBlock = 16;

// Of every layer: the last `conv_rows` inputs of a causal convolution [conv_rows, conv_channels],
// and the state of a scan [n_blocks, d_state, 16], f32. The channels of a head fill whole blocks.
struct RecurrentShape {
  int n_layers = 0;  // 0: the model has no such state
  int64_t conv_rows = 0;
  int64_t conv_channels = 0;
  int64_t n_blocks = 0;
  int64_t d_state = 0;

  // In floats; both parts begin at cache lines.
  int64_t conv_floats() const { return (conv_rows * conv_channels + 15) / 16 * 16; }
  int64_t scan_floats() const { return n_blocks * d_state * kChannelBlock; }
  int64_t layer_floats() const { return conv_floats() + scan_floats(); }
  size_t bytes() const {
    return static_cast<size_t>(n_layers) * static_cast<size_t>(layer_floats()) * sizeof(float);
  }
};

// [n_heads, head_dim] channels in blocks of 16 within each head.
constexpr int64_t channel_blocks(int64_t n_heads, int64_t head_dim) {
  return n_heads * ((head_dim + kChannelBlock - 1) / kChannelBlock);
}

// [n_channels, d_state] as a scan's state has it: [n_blocks, d_state, 16], absent channels zero.
std::vector<float> in_channel_blocks(std::span<const float> rows, int64_t d_state);

// Memory for at most `max_slots` sequences' states, taken from the system as it is first needed and
// then kept. Slots are counted: forks share them. Not thread-safe: the engine's thread owns it.
class RecurrentPool {
 public:
  RecurrentPool(const RecurrentShape& shape, int64_t max_slots)
      : shape_(shape), max_slots_(shape.n_layers > 0 ? max_slots : 0) {}
  ~RecurrentPool();
  RecurrentPool(const RecurrentPool&) = delete;

  struct Slot {
    LargeBlock data;
    int32_t references = 0;
    float* floats() const { return reinterpret_cast<float*>(data.get()); }
  };

  const RecurrentShape& shape() const { return shape_; }
  int64_t max_slots() const { return max_slots_; }
  int64_t free_slots() const { return max_slots_ - used_; }

  // Values are left from earlier uses: what reads them at position 0 takes them for zero.
  Result<Slot*> take();
  Result<Slot*> take_copy(const Slot& from);
  void release(Slot* slot);

 private:
  RecurrentShape shape_;
  int64_t max_slots_;
  int64_t used_ = 0;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
};

}  // namespace overtake
