// Recurrent layers over the segments of a batch: tasks are channels of one segment, which go
// through its rows in order.
#pragma once

#include "parallel/thread_pool.h"
#include "tensor/batch.h"
#include "tensor/cpu/arena.h"
#include "tensor/cpu/kernels.h"
#include "tensor/ops.h"

namespace overtake {

class CpuRecurrence {
 public:
  CpuRecurrence(ThreadPool& pool, const RecurrenceKernels& kernels, Arena& arena)
      : pool_(pool), kernels_(kernels), arena_(arena) {}

  void begin(const Batch& batch) { batch_ = &batch; }
  // See Ops::causal_conv and Ops::selective_scan; `out` is [n_tokens, n_channels].
  void conv(Tensor x, const CausalConv& conv, int layer, Tensor out);
  void scan(const ScanInput& in, const SelectiveScan& scan, int layer, Tensor out);

 private:
  Tensor make_steps(const ScanInput& in, const SelectiveScan& scan);
  ScanTask scan_task(const ScanInput& in, const SelectiveScan& scan, const Segment& segment,
                     int64_t first) const;
  void scan_heads(const ScanInput& in, const SelectiveScan& scan, int layer, Tensor out);
  void scan_channels(const ScanInput& in, const SelectiveScan& scan, int layer, Tensor out);

  ThreadPool& pool_;
  const RecurrenceKernels& kernels_;
  Arena& arena_;
  const Batch* batch_ = nullptr;
};

}  // namespace overtake
