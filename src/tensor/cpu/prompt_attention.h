// Attention of prompts on a matrix unit: many queries of one kv head share its keys and values,
// packed once for all of them.
#pragma once

#include <vector>

#include "parallel/thread_pool.h"
#include "tensor/cpu/arena.h"
#include "tensor/cpu/attention_call.h"
#include "tensor/cpu/prompt_kernels.h"

namespace overtake {

class PromptAttention {
 public:
  // `kernels` may be null: then it takes nothing. `turn` is the ISA's.
  PromptAttention(ThreadPool& pool, const PromptKernels* kernels, const AttentionKernels& vectors,
                  Arena& arena)
      : pool_(pool), kernels_(kernels), vectors_(vectors), arena_(arena) {}

  // Whether a segment's rows are attended here: prompts, of models that are not f32.
  bool takes(const AttentionCall& call, const Segment& segment) const {
    return kernels_ && segment.phase == Phase::kPrefill && call.shape.type != KvType::kF32;
  }
  // Attends the segments of the batch that it takes, whose keys and values are in their pages.
  void run(const AttentionCall& call, const Batch& batch);

 private:
  // Queries [first, first + n_queries) of one kv head of one segment; see AttentionCall::query.
  struct Block {
    const Segment* segment;
    int kv_head;
    int64_t first;
    int64_t n_queries;
  };
  struct Worker {
    float* turned;     // [head_dim]
    uint16_t* panels;  // [most / kQueryBlock, query_size]
    KeyRange* ranges;  // [most]
    float* top;        // of `most` queries, as in PromptQueries
    float* sum;
    float* out;
    PromptKeys keys;
    float* scratch;         // [kPromptScratch]
    PromptQueries* blocks;  // [most / kQueryBlock]
  };

  void list_blocks(const AttentionCall& call, const Batch& batch);
  Worker make_worker(const PromptShape& shape, int64_t most);
  void load_queries(const AttentionCall& call, const Block& block, const PromptShape& shape,
                    const Worker& worker) const;
  void pack_keys(const AttentionCall& call, const Block& block, const PromptShape& shape,
                 PromptKeys& keys) const;
  void attend(const AttentionCall& call, const Block& block, const PromptShape& shape,
              Worker& worker) const;

  ThreadPool& pool_;
  const PromptKernels* kernels_;
  const AttentionKernels& vectors_;
  Arena& arena_;
  // Reused from call to call.
  std::vector<Block> blocks_;
  std::vector<Worker> workers_;
};

}  // namespace overtake
