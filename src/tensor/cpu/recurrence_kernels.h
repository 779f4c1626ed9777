// What the kernels of recurrent layers are given: the causal convolution and the selective scan, of
// some channels over the rows of one segment, in order.
#pragma once

#include <cstdint>

#include "tensor/recurrent_state.h"
#include "tensor/weight.h"

namespace overtake {

// A column of a tensor, from its first row on.
struct Rows {
  float* data;
  int64_t stride;
  float* row(int64_t i) const { return data + i * stride; }
};

struct ConvTask {
  int64_t n_rows;
  int64_t n_channels;
  int64_t n_taps;
  Rows x;
  Rows out;
  Rows weight;        // [n_taps]
  const float* bias;  // or null
  Rows state;         // [n_taps - 1]: the inputs before row 0, the latest last
};

// Blocks of 16 channels of one head, the last of them perhaps in part; see SelectiveScan.
struct ScanTask {
  int64_t n_rows;
  int n_channels;  // of this task
  int d_state;
  Rows x;
  Rows step;   // of the head, or of these channels
  Rows decay;  // exp(step * a) of the head; unused where channels have their own
  Rows b;      // [d_state]
  Rows c;      // [d_state]
  Rows gate;   // data null: none
  Rows out;
  const float* channel_decay;  // a [blocks, d_state, 16]
  const float* skip;           // [n_channels]
  float* state;                // [blocks, d_state, 16]
};

struct RecurrenceKernels {
  void (*conv)(const ConvTask& task);
  // step = clamp(softplus(step + bias), low, high) in place; `bias` may be null.
  void (*steps)(float* step, const float* bias, float low, float high, int64_t n);
  // out = exp(a * b).
  void (*decays)(const float* a, const float* b, float* out, int64_t n);
  void (*scan_heads)(const ScanTask& task);
  void (*scan_channels)(const ScanTask& task);
};

}  // namespace overtake
