#include "tensor/cpu/cpu_attention.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/cpu/spread.h"

namespace overtake {

void CpuAttention::begin(const Batch& batch) {
  batch_ = &batch;
  ropes_.begin(batch);
}

void CpuAttention::run(Tensor qkv, const AttentionSpec& spec, int layer, Tensor out) {
  if (batch_->segments.empty()) return;
  const KvShape& shape = batch_->segments.front().state->shape();
  OVERTAKE_CHECK(shape.n_kv_heads == spec.n_kv_heads && shape.head_dim == spec.head_dim);
  OVERTAKE_CHECK(spec.n_heads % spec.n_kv_heads == 0 && layer < shape.n_layers);
  OVERTAKE_CHECK(qkv.cols == (spec.n_heads + 2 * spec.n_kv_heads) * int64_t{spec.head_dim});
  ropes_.prepare(spec.rope, pool_);
  const AttentionCall call = {qkv, spec, layer, out, shape, ropes_};
  const size_t mark = arena_.mark();
  append(call);
  prompts_.run(call, *batch_);
  list_blocks(call);
  if (!blocks_.empty()) attend_blocks(call);
  arena_.release(mark);
}

void CpuAttention::attend_blocks(const AttentionCall& call) {
  workers_.clear();
  for (int i = 0; i < pool_.n_threads(); ++i) workers_.push_back(make_worker(call));
  // Few blocks are cut into spans, so that all threads have a part; many are not, which saves
  // joining them.
  if (static_cast<int>(blocks_.size()) < 4 * pool_.n_threads()) {
    run_spans(call);
  } else {
    run_blocks(call);
  }
}

// Tasks of one page of one segment: two threads never write to one cache line of keys.
void CpuAttention::append(const AttentionCall& call) {
  const int64_t head_dim = call.spec.head_dim;
  const int64_t row_work = 4 * call.spec.n_kv_heads * head_dim;
  float* turned = arena_.floats(pool_.n_threads() * head_dim);
  for (const Segment& segment : batch_->segments) {
    const int64_t begin = call.position(segment, 0);
    const int64_t end = begin + segment.n_rows;
    const int64_t first_page = begin / kPageTokens;
    const int64_t n_pages = (end + kPageTokens - 1) / kPageTokens - first_page;
    spread(pool_, n_pages, row_work * segment.n_rows, [&](int worker, int64_t task) {
      const int64_t base = (first_page + task) * kPageTokens;
      append_rows(call, segment, std::max(begin, base) - begin,
                  std::min(end, base + kPageTokens) - begin, turned + worker * head_dim);
    });
  }
}

void CpuAttention::append_rows(const AttentionCall& call, const Segment& segment, int64_t first,
                               int64_t last, float* turned) {
  const AttentionSpec& spec = call.spec;
  for (int64_t i = first; i < last; ++i) {
    const int64_t row = segment.first_row + i;
    const int64_t position = call.position(segment, i);
    const PageSlot slot = {call.shape.type, spec.head_dim,
                           static_cast<int>(position % kPageTokens)};
    std::byte* page = segment.state->page(position);
    const float* keys = call.qkv.row(row) + int64_t{spec.n_heads} * spec.head_dim;
    const float* values = keys + int64_t{spec.n_kv_heads} * spec.head_dim;
    const Turn turn = ropes_.turn(row);
    for (int head = 0; head < spec.n_kv_heads; ++head) {
      const size_t part = static_cast<size_t>(head) * call.shape.head_bytes();
      const int64_t at = int64_t{head} * spec.head_dim;
      kernels_.turn(keys + at, turn, spec.head_dim, 1.0f, turned);
      kernels_.store_key(turned, slot, page + call.shape.key_offset(call.layer) + part);
      kernels_.store_value(values + at, slot, page + call.shape.value_offset(call.layer) + part);
    }
  }
}

// Queries, scores and outputs of a block together stay in a 48 KiB L1 beside a page. A multiple of
// 12, the rows that kernels take at once.
int CpuAttention::block_rows(const AttentionCall& call) {
  constexpr int kFloats = 8192;
  const int rows = kFloats / (2 * call.padded_dim() + kPageTokens) / 12 * 12;
  return std::clamp(rows, 12, kMaxTileRows);
}

// Spans [first, end) that a block's queries see.
int64_t CpuAttention::first_span(const AttentionCall& call, const Block& block) {
  return call.range(*block.segment, 0, block.first).first / kSpanTokens;
}
int64_t CpuAttention::end_span(const AttentionCall& call, const Block& block) {
  const int64_t last = block.first + block.n_rows - 1;
  return (call.range(*block.segment, 0, last).end - 1) / kSpanTokens + 1;
}

// The longest histories first, so that no long block is left for the end.
void CpuAttention::list_blocks(const AttentionCall& call) {
  const int most = block_rows(call);
  blocks_.clear();
  for (const Segment& segment : batch_->segments) {
    if (prompts_.takes(call, segment)) continue;
    const int64_t n_queries = segment.n_rows * call.group();
    const int64_t n_blocks = (n_queries + most - 1) / most;
    const int64_t size = n_blocks ? (n_queries + n_blocks - 1) / n_blocks : 0;
    for (int64_t block = n_blocks - 1; block >= 0; --block) {
      const int64_t first = block * size;
      const int n_rows = static_cast<int>(std::min(size, n_queries - first));
      for (int head = 0; head < call.spec.n_kv_heads && n_rows > 0; ++head) {
        blocks_.push_back({&segment, head, first, n_rows});
      }
    }
  }
}

SoftmaxState CpuAttention::make_state(int n_rows, int padded_dim) {
  return {arena_.floats(n_rows), arena_.floats(n_rows * kLanePad),
          arena_.floats(int64_t{n_rows} * padded_dim)};
}

CpuAttention::Worker CpuAttention::make_worker(const AttentionCall& call) {
  const int head_dim = call.spec.head_dim;
  Worker worker;
  worker.queries = arena_.floats(int64_t{kMaxTileRows} * head_dim);
  worker.ranges = reinterpret_cast<KeyRange*>(
      arena_.floats(static_cast<int64_t>(sizeof(KeyRange) / sizeof(float)) * kMaxTileRows));
  const bool whole = call.shape.type == KvType::kQ8_0;
  const int64_t most = whole ? kMaxTileRows : 0;
  worker.whole_queries = reinterpret_cast<int16_t*>(arena_.floats(most * call.padded_dim() / 2));
  worker.query_scales = arena_.floats(most);
  worker.total = make_state(kMaxTileRows, call.padded_dim());
  worker.part = make_state(kMaxTileRows, call.padded_dim());
  worker.tile = {.n_rows = 0,
                 .head_dim = head_dim,
                 .padded_dim = call.padded_dim(),
                 .type = call.shape.type,
                 .queries = worker.queries,
                 .whole_queries = worker.whole_queries,
                 .query_scales = worker.query_scales,
                 .scales = arena_.floats(Q8Head{head_dim}.n_blocks() * kPageTokens + kLanePad),
                 .weights = arena_.floats(most * kPageTokens),
                 .ranges = worker.ranges,
                 .state = worker.total,
                 .scores = arena_.floats(kMaxTileRows * kPageTokens),
                 .rescale = arena_.floats(kMaxTileRows),
                 .widened = arena_.floats(int64_t{kPageTokens} * call.padded_dim())};
  return worker;
}

void CpuAttention::load_block(const AttentionCall& call, const Block& block, Worker& worker) const {
  worker.tile.n_rows = block.n_rows;
  for (int i = 0; i < block.n_rows; ++i) {
    const int64_t query = block.first + i;
    const int64_t row = query / call.group();
    const int head_dim = call.spec.head_dim;
    const float* from = call.query(*block.segment, block.kv_head, query);
    kernels_.turn(from, ropes_.turn(block.segment->first_row + row), head_dim, call.spec.scale,
                  worker.queries + int64_t{i} * head_dim);
    if (call.shape.type == KvType::kQ8_0) {
      worker.query_scales[i] =
          kernels_.quantize_query(worker.queries + int64_t{i} * head_dim, head_dim,
                                  worker.whole_queries + int64_t{i} * call.padded_dim());
    }
    worker.ranges[i] = call.range(*block.segment, block.kv_head, query);
    // Rows lie too far apart for the processor to foresee the next.
    const int64_t next = std::min<int64_t>(row + 2, block.segment->n_rows - 1);
    const float* ahead = from + (next - row) * call.qkv.stride;
    for (int at = 0; at < head_dim; at += kLanePad) __builtin_prefetch(ahead + at);
  }
}

// Leaves the span's result in the tile's state.
void CpuAttention::attend_span(const AttentionCall& call, const Block& block, int64_t span,
                               const AttentionTile& tile) const {
  kernels_.clear(tile.state, tile.n_rows, tile.padded_dim);
  const int64_t begin =
      std::max(span * kSpanTokens, tile.ranges[0].first / kPageTokens * kPageTokens);
  const int64_t end = std::min((span + 1) * kSpanTokens, tile.ranges[tile.n_rows - 1].end);
  for (int64_t base = begin; base < end; base += kPageTokens) {
    const int64_t next = base + kPageTokens < end ? base + kPageTokens : base;
    kernels_.attend(tile, call.page(*block.segment, block.kv_head, base, next));
  }
}

void CpuAttention::finish_block(const AttentionCall& call, const Block& block,
                                const SoftmaxState& state) const {
  for (int i = 0; i < block.n_rows; ++i) {
    kernels_.finish(state, i, call.spec.head_dim,
                    call.result(*block.segment, block.kv_head, block.first + i));
  }
}

void CpuAttention::run_blocks(const AttentionCall& call) {
  int64_t work = 0;
  for (const Block& block : blocks_) work += call.work(*block.segment, block.first, block.n_rows);
  spread(pool_, static_cast<int64_t>(blocks_.size()), work, [&](int worker_id, int64_t task) {
    Worker& worker = workers_[static_cast<size_t>(worker_id)];
    const Block& block = blocks_[static_cast<size_t>(task)];
    load_block(call, block, worker);
    const int64_t first = first_span(call, block);
    const int64_t end = end_span(call, block);
    for (int64_t span = first; span < end; ++span) {
      worker.tile.state = span == first ? worker.total : worker.part;
      attend_span(call, block, span, worker.tile);
      if (span > first) {
        kernels_.merge(worker.total, worker.part, block.n_rows, call.padded_dim());
      }
    }
    finish_block(call, block, worker.total);
  });
}
void CpuAttention::run_spans(const AttentionCall& call) {
  spans_.clear();
  int64_t work = 0;
  for (const Block& block : blocks_) {
    work += call.work(*block.segment, block.first, block.n_rows);
    const int64_t end = end_span(call, block);
    for (int64_t span = first_span(call, block); span < end; ++span) {
      spans_.push_back({&block, span, make_state(block.n_rows, call.padded_dim())});
    }
  }
  spread(pool_, static_cast<int64_t>(spans_.size()), work, [&](int worker_id, int64_t task) {
    Worker& worker = workers_[static_cast<size_t>(worker_id)];
    const Span& span = spans_[static_cast<size_t>(task)];
    load_block(call, *span.block, worker);
    worker.tile.state = span.state;
    attend_span(call, *span.block, span.index, worker.tile);
  });
  join_spans(call);
}

void CpuAttention::join_spans(const AttentionCall& call) {
  size_t next = 0;
  while (next < spans_.size()) {
    const Span& first = spans_[next++];
    for (; next < spans_.size() && spans_[next].block == first.block; ++next) {
      kernels_.merge(first.state, spans_[next].state, first.block->n_rows, call.padded_dim());
    }
    finish_block(call, *first.block, first.state);
  }
}

}  // namespace overtake
