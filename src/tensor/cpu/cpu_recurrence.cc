#include "tensor/cpu/cpu_recurrence.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "tensor/cpu/spread.h"

namespace overtake {
namespace {

// `column` of `x` from row `first` on.
Rows rows_of(Tensor x, int64_t first, int64_t column) {
  if (x.rows == 0) return {nullptr, 0};
  return {x.row(first) + column, x.stride};
}

Rows rows_of(const std::vector<float>& table, int64_t width, int64_t column) {
  return {const_cast<float*>(table.data()) + column, width};  // read only
}

}  // namespace

void CpuRecurrence::conv(Tensor x, const CausalConv& conv, int layer, Tensor out) {
  constexpr int64_t kPiece = 256;  // channels: the inputs of a row and its taps stay in L1
  const int64_t pieces = (x.cols + kPiece - 1) / kPiece;
  const int64_t n_segments = static_cast<int64_t>(batch_->segments.size());
  if (n_segments == 0) return;
  const RecurrentShape& shape = batch_->segments.front().state->recurrent_shape();
  OVERTAKE_CHECK(conv.n_taps >= 1 && conv.n_taps <= kMaxConvTaps && layer < shape.n_layers);
  OVERTAKE_CHECK(shape.conv_rows == conv.n_taps - 1 && shape.conv_channels == x.cols);
  const int64_t work = x.rows * x.cols * (conv.n_taps + 4);
  // Tasks of one segment lie side by side, the longest segment's are not kept for last: segments of
  // a step are few rows each, or one long.
  spread(pool_, n_segments * pieces, work, [&](int worker, int64_t task) {
    const Segment& segment = batch_->segments[static_cast<size_t>(task / pieces)];
    const int64_t first = task % pieces * kPiece;
    const int64_t count = std::min(kPiece, x.cols - first);
    float* state = segment.state->conv_state(layer) + first;
    if (segment.state->n_tokens() == 0) {
      for (int64_t k = 0; k + 1 < conv.n_taps; ++k) {
        std::memset(state + k * x.cols, 0, static_cast<size_t>(count) * sizeof(float));
      }
    }
    if (segment.n_rows == 0) return;
    kernels_.conv({.n_rows = segment.n_rows,
                   .n_channels = count,
                   .n_taps = conv.n_taps,
                   .x = rows_of(x, segment.first_row, first),
                   .out = rows_of(out, segment.first_row, first),
                   .weight = rows_of(conv.weight, x.cols, first),
                   .bias = conv.bias.empty() ? nullptr : conv.bias.data() + first,
                   .state = {state, x.cols}});
  });
}

// dt becomes the steps in place. Where a head has one decay: its factors, [n_tokens, n_heads].
Tensor CpuRecurrence::make_steps(const ScanInput& in, const SelectiveScan& scan) {
  const int64_t n = in.dt.cols;
  Tensor decays;
  if (!scan.head_decay.empty()) decays = {arena_.floats(in.dt.rows * n), in.dt.rows, n, n};
  const float* bias = scan.step_bias.empty() ? nullptr : scan.step_bias.data();
  spread_range(pool_, in.dt.rows, 4, 32 * in.dt.rows * n, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      float* step = in.dt.row(i);
      kernels_.steps(step, bias, scan.step_low, scan.step_high, n);
      if (decays.rows > 0) kernels_.decays(step, scan.head_decay.data(), decays.row(i), n);
    }
  });
  return decays;
}

// Channels from `first` on, but for what differs between the two kinds of decay.
ScanTask CpuRecurrence::scan_task(const ScanInput& in, const SelectiveScan& scan,
                                  const Segment& segment, int64_t first) const {
  const int64_t row = segment.first_row;
  ScanTask task = {};
  task.n_rows = segment.n_rows;
  task.d_state = static_cast<int>(scan.d_state);
  task.x = rows_of(in.x, row, first);
  task.gate = rows_of(in.gate, row, first);
  task.skip = scan.skip.data() + first;
  return task;
}

void CpuRecurrence::scan(const ScanInput& in, const SelectiveScan& scan, int layer, Tensor out) {
  if (batch_->segments.empty()) return;
  const RecurrentShape& shape = batch_->segments.front().state->recurrent_shape();
  OVERTAKE_CHECK(shape.n_blocks == channel_blocks(scan.n_heads, scan.head_dim));
  OVERTAKE_CHECK(shape.d_state == scan.d_state && layer < shape.n_layers);
  OVERTAKE_CHECK(in.x.cols == scan.n_channels() && scan.n_heads % scan.n_groups == 0);
  OVERTAKE_CHECK(in.b.cols == scan.n_groups * scan.d_state && in.c.cols == in.b.cols);
  const size_t mark = arena_.mark();
  if (scan.head_decay.empty()) {
    scan_channels(in, scan, layer, out);
  } else {
    scan_heads(in, scan, layer, out);
  }
  arena_.release(mark);
}

void CpuRecurrence::scan_heads(const ScanInput& in, const SelectiveScan& scan, int layer,
                               Tensor out) {
  OVERTAKE_CHECK(in.dt.cols == scan.n_heads);
  constexpr int64_t kBlocks = 2;  // of a task: their states stay in L1 where d_state is 256
  const Tensor decays = make_steps(in, scan);
  const int64_t head_blocks = channel_blocks(1, scan.head_dim);
  const int64_t parts = (head_blocks + kBlocks - 1) / kBlocks;
  const int64_t n_tasks = static_cast<int64_t>(batch_->segments.size()) * scan.n_heads * parts;
  const int64_t work = in.x.rows * in.x.cols * scan.d_state / 4;
  spread(pool_, n_tasks, work, [&](int worker, int64_t index) {
    const Segment& segment = batch_->segments[static_cast<size_t>(index / (scan.n_heads * parts))];
    const int64_t head = index / parts % scan.n_heads;
    const int64_t block = index % parts * kBlocks;
    const int64_t at = block * kChannelBlock;  // in the head
    const int64_t group = head / (scan.n_heads / scan.n_groups);
    const int64_t row = segment.first_row;
    ScanTask task = scan_task(in, scan, segment, head * scan.head_dim + at);
    task.n_channels = static_cast<int>(std::min(kBlocks * kChannelBlock, scan.head_dim - at));
    task.step = rows_of(in.dt, row, head);
    task.decay = rows_of(decays, row, head);
    task.b = rows_of(in.b, row, group * scan.d_state);
    task.c = rows_of(in.c, row, group * scan.d_state);
    task.out = rows_of(out, row, head * scan.head_dim + at);
    const int64_t line = scan.d_state * kChannelBlock;
    task.state = segment.state->scan_state(layer) + (head * head_blocks + block) * line;
    if (segment.state->n_tokens() == 0) {
      const int64_t n = channel_blocks(1, task.n_channels) * line;
      std::memset(task.state, 0, static_cast<size_t>(n) * sizeof(float));
    }
    kernels_.scan_heads(task);
  });
}

void CpuRecurrence::scan_channels(const ScanInput& in, const SelectiveScan& scan, int layer,
                                  Tensor out) {
  const int64_t n_blocks = channel_blocks(1, scan.head_dim);
  const int64_t line = scan.d_state * kChannelBlock;
  OVERTAKE_CHECK(scan.n_heads == 1 && scan.n_groups == 1 && in.dt.cols == in.x.cols);
  OVERTAKE_CHECK(static_cast<int64_t>(scan.channel_decay.size()) == n_blocks * line);
  // Of a task: of each row that comes from afar, these lines are needed at once.
  constexpr int64_t kBlocks = 8;
  make_steps(in, scan);
  const int64_t parts = (n_blocks + kBlocks - 1) / kBlocks;
  const int64_t n_tasks = static_cast<int64_t>(batch_->segments.size()) * parts;
  const int64_t work = in.x.rows * in.x.cols * scan.d_state;
  spread(pool_, n_tasks, work, [&](int worker, int64_t index) {
    const Segment& segment = batch_->segments[static_cast<size_t>(index / parts)];
    const int64_t block = index % parts * kBlocks;
    const int64_t first = block * kChannelBlock;
    ScanTask task = scan_task(in, scan, segment, first);
    task.n_channels = static_cast<int>(std::min(kBlocks * kChannelBlock, in.x.cols - first));
    task.step = rows_of(in.dt, segment.first_row, first);
    task.b = rows_of(in.b, segment.first_row, 0);
    task.c = rows_of(in.c, segment.first_row, 0);
    task.out = rows_of(out, segment.first_row, first);
    task.channel_decay = scan.channel_decay.data() + block * line;
    task.state = segment.state->scan_state(layer) + block * line;
    if (segment.state->n_tokens() == 0) {
      const int64_t n = channel_blocks(1, task.n_channels) * line;
      std::memset(task.state, 0, static_cast<size_t>(n) * sizeof(float));
    }
    kernels_.scan_channels(task);
  });
}

}  // namespace overtake
