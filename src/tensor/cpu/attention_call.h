// AttentionCall: what is the same for all tasks of one layer's attention.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/batch.h"
#include "tensor/cpu/attention_kernels.h"
#include "tensor/cpu/rope_table.h"
#include "tensor/ops.h"

namespace overtake {

struct AttentionCall {
  Tensor qkv;  // [n_tokens, (n_heads + 2 n_kv_heads) head_dim]
  const AttentionSpec& spec;
  int layer;
  Tensor out;  // [n_tokens, n_heads * head_dim]
  const KvShape& shape;
  const RopeTable& ropes;  // prepared for the spec's

  int group() const { return spec.n_heads / spec.n_kv_heads; }  // query heads of a kv head
  int padded_dim() const { return pad_lanes(spec.head_dim); }
  // Query `query` of a kv head of a segment is of the segment's row query / group, and of head
  // query % group of the kv head.
  int head(int kv_head, int64_t query) const {
    return kv_head * group() + static_cast<int>(query % group());
  }
  const float* query(const Segment& segment, int kv_head, int64_t query) const {
    return qkv.row(segment.first_row + query / group()) +
           int64_t{head(kv_head, query)} * spec.head_dim;
  }
  float* result(const Segment& segment, int kv_head, int64_t query) const {
    return out.row(segment.first_row + query / group()) +
           int64_t{head(kv_head, query)} * spec.head_dim;
  }

  int64_t position(const Segment& segment, int64_t row) const {
    return segment.state->n_tokens() + row;
  }
  // What a query may see.
  KeyRange range(const Segment& segment, int kv_head, int64_t query) const {
    const int64_t at = position(segment, query / group());
    const int64_t first = spec.window > 0 ? std::max<int64_t>(0, at - spec.window + 1) : 0;
    const float* bias =
        spec.key_bias ? spec.key_bias + head(kv_head, query) * spec.key_bias_stride : nullptr;
    return {first, at + 1, bias};
  }
  // Multiplications of queries [first, first + n_queries), about.
  int64_t work(const Segment& segment, int64_t first, int64_t n_queries) const {
    const KeyRange seen = range(segment, 0, first);
    return (seen.end - seen.first) * n_queries * spec.head_dim * 2;
  }
  // The page of position `base`, on the way to that of position `next`.
  PagePart page(const Segment& segment, int kv_head, int64_t base, int64_t next) const {
    const size_t head = static_cast<size_t>(kv_head) * shape.head_bytes();
    const std::byte* page = segment.state->page(base) + head;
    const std::byte* next_page = segment.state->page(next) + head;
    return {page + shape.key_offset(layer), page + shape.value_offset(layer), base,
            next_page + shape.key_offset(layer), next_page + shape.value_offset(layer)};
  }
};

}  // namespace overtake
