// Attention over paged keys and values: appends a batch's tokens, then attends in parallel tasks.
#pragma once

#include <vector>

#include "parallel/thread_pool.h"
#include "tensor/batch.h"
#include "tensor/cpu/arena.h"
#include "tensor/cpu/attention_call.h"
#include "tensor/cpu/kernels.h"
#include "tensor/cpu/prompt_attention.h"
#include "tensor/cpu/rope_table.h"
#include "tensor/ops.h"

namespace overtake {

// Keys are taken in spans of this many positions, each with a softmax of its own; the spans'
// results are joined in ascending order. So the work on one long sequence is shared by threads, and
// what a row gets depends neither on how many there are nor on the other rows.
constexpr int64_t kSpanTokens = 512;

class CpuAttention {
 public:
  // `bf16_prompts`: prompts may be attended in bf16, where the ISA has a unit for it.
  CpuAttention(ThreadPool& pool, Isa isa, Arena& arena, bool bf16_prompts)
      : pool_(pool),
        kernels_(kernels_for(isa).attention),
        arena_(arena),
        prompts_(pool, bf16_prompts ? prompt_kernels_for(isa) : nullptr, kernels_, arena) {
    spans_.reserve(kSpans);  // a sequence that grows by a token a step adds one every 512 steps
  }

  void begin(const Batch& batch);
  // See Ops::attention; `out` is [n_tokens, n_heads * head_dim].
  void run(Tensor qkv, const AttentionSpec& spec, int layer, Tensor out);

 private:
  static constexpr size_t kSpans = 1024;

  // Queries [first, first + n_rows) of one kv head of one segment; see AttentionCall::query.
  struct Block {
    const Segment* segment;
    int kv_head;
    int64_t first;
    int n_rows;
  };
  struct Worker {
    AttentionTile tile;
    float* queries;
    int16_t* whole_queries;  // kQ8_0, as in the tile
    float* query_scales;
    KeyRange* ranges;
    SoftmaxState total;  // over the spans so far
    SoftmaxState part;   // of one span
  };
  // The keys of one span, for one block.
  struct Span {
    const Block* block;
    int64_t index;
    SoftmaxState state;
  };

  void append(const AttentionCall& call);
  void append_rows(const AttentionCall& call, const Segment& segment, int64_t first, int64_t last,
                   float* turned);
  static int block_rows(const AttentionCall& call);
  static int64_t first_span(const AttentionCall& call, const Block& block);
  static int64_t end_span(const AttentionCall& call, const Block& block);
  void list_blocks(const AttentionCall& call);
  Worker make_worker(const AttentionCall& call);
  SoftmaxState make_state(int n_rows, int padded_dim);
  void load_block(const AttentionCall& call, const Block& block, Worker& worker) const;
  void attend_span(const AttentionCall& call, const Block& block, int64_t span,
                   const AttentionTile& tile) const;
  void finish_block(const AttentionCall& call, const Block& block, const SoftmaxState& state) const;
  void attend_blocks(const AttentionCall& call);
  void run_blocks(const AttentionCall& call);
  void run_spans(const AttentionCall& call);
  void join_spans(const AttentionCall& call);

  ThreadPool& pool_;
  const AttentionKernels& kernels_;
  Arena& arena_;
  PromptAttention prompts_;
  const Batch* batch_ = nullptr;
  RopeTable ropes_;
  // Reused from call to call.
  std::vector<Block> blocks_;
  std::vector<Worker> workers_;
  std::vector<Span> spans_;
};

}  // namespace overtake
