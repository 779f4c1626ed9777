// What a matrix unit's kernels of attention work on: a tile of many queries of one kv head,
// attended by blocks of keys with online softmax. Prompts only, and only where keys and values are
// kept in 16 bits or fewer: products are of bf16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/cpu/attention_kernels.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {

// Keys come in blocks of so many positions, which begin at multiples of it: a query's sums are cut
// at the same places whatever the chunk that it came in.
constexpr int kKeyBlock = 128;
// Queries that are attended together.
constexpr int kQueryBlock = 16;

constexpr int pad_to(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// Sizes that follow from head_dim. Matrix products take depths of 32, and 32 outputs.
struct PromptShape {
  int head_dim;
  KvType type;

  constexpr int depth() const { return pad_to(head_dim, 32); }
  constexpr int width() const { return pad_to(head_dim, 32); }  // floats of a row of `out`
  // uint16_t of a block of queries, of a block of keys, of a block of values.
  constexpr int64_t query_size() const { return int64_t{kQueryBlock} * depth(); }
  constexpr int64_t key_size() const { return int64_t{kKeyBlock} * depth(); }
  constexpr int64_t value_size() const { return int64_t{kKeyBlock} * width(); }
};

// The positions that all queries of a block see, and those that any does.
struct BlockRanges {
  KeyRange all;  // its bias is any query's
  KeyRange any;
};

// kQueryBlock queries. Rows that are not used see no key: ranges with end <= first.
struct PromptQueries {
  const uint16_t* panel;   // packed
  const KeyRange* ranges;  // [kQueryBlock]
  BlockRanges seen;
  float* top;  // [kQueryBlock]: what scores are taken against; -inf before the first
  float* sum;  // [kQueryBlock, kLanePad] of the weights: the total of the lanes
  float* out;  // [kQueryBlock, width] of weight * value
};

// kKeyBlock keys and values as bf16, those that no query of the call may see being zero.
struct PromptKeys {
  int64_t base;  // position of the first
  uint16_t* keys;
  uint16_t* values;
  float* scales;  // [n_blocks, kPageTokens], scratch; kQ8_0
  // Positions of the block whose value holds a NaN. It stands as zero in `values`; queries that see
  // it become NaN by this.
  uint64_t bad[kKeyBlock / 64];
};

// Floats of scratch memory that `attend` takes.
constexpr int64_t kPromptScratch = 2 * kKeyBlock * kQueryBlock;

// `begin` and `end` enclose all calls of one thread.
struct PromptKernels {
  void (*begin)();
  void (*end)();
  // Query `row` of a panel from [head_dim] floats, turned and multiplied by scale * log2(e).
  void (*pack_query)(const float* query, const PromptShape& shape, int row, uint16_t* panel);
  // Page `index` of the block, of which the first `n_tokens` are written; 0 leaves zeros.
  void (*pack_page)(const PagePart& page, int n_tokens, const PromptShape& shape, int index,
                    PromptKeys& into);
  void (*clear)(const PromptQueries& queries, const PromptShape& shape);
  // All blocks of queries.
  void (*attend)(const PromptQueries* queries, int64_t n_blocks, const PromptKeys& keys,
                 const PromptShape& shape, float* scratch);
  // out [head_dim] = row `row`'s result.
  void (*finish)(const PromptQueries& queries, int row, const PromptShape& shape, float* out);
};

#if defined(__x86_64__)
extern const PromptKernels prompt_kernels_amx;
#endif
// Null where the ISA has no matrix unit.
const PromptKernels* prompt_kernels_for(Isa isa);

}  // namespace overtake
