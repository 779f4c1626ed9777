#include "tensor/cpu/prompt_attention.h"

#include <algorithm>
#include <span>

#include "tensor/cpu/spread.h"

namespace overtake {
namespace {

// Queries that share a packed block of keys. More pack less often; fewer are shared out better.
constexpr int64_t kLeastQueries = 32, kMostQueries = 1024;
constexpr int64_t kBlocksPerThread = 8;
constexpr float kLog2E = 1.44269504089f;

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

BlockRanges ranges_of(std::span<const KeyRange> queries) {
  BlockRanges seen = {queries[0], queries[0]};
  for (const KeyRange& range : queries) {
    seen.all.first = std::max(seen.all.first, range.first);
    seen.all.end = std::min(seen.all.end, range.end);
    if (range.end <= range.first) continue;
    seen.any.first = std::min(seen.any.first, range.first);
    seen.any.end = std::max(seen.any.end, range.end);
  }
  return seen;
}

}  // namespace

// The longest histories first, so that no long block is left for the end.
void PromptAttention::list_blocks(const AttentionCall& call, const Batch& batch) {
  blocks_.clear();
  int64_t total = 0;
  for (const Segment& segment : batch.segments) {
    if (takes(call, segment)) total += segment.n_rows * call.spec.n_heads;
  }
  const int64_t fair = total / (kBlocksPerThread * pool_.n_threads());
  const int64_t most =
      std::clamp(round_up(fair, kQueryBlock), int64_t{kLeastQueries}, kMostQueries);
  for (const Segment& segment : batch.segments) {
    if (!takes(call, segment)) continue;
    const int64_t n_queries = segment.n_rows * call.group();
    const int64_t n_blocks = (n_queries + most - 1) / most;
    for (int64_t block = n_blocks - 1; block >= 0; --block) {
      const int64_t first = block * most;
      for (int head = 0; head < call.spec.n_kv_heads; ++head) {
        blocks_.push_back({&segment, head, first, std::min(most, n_queries - first)});
      }
    }
  }
}

PromptAttention::Worker PromptAttention::make_worker(const PromptShape& shape, int64_t most) {
  const auto halves = [&](int64_t n) {
    return reinterpret_cast<uint16_t*>(arena_.floats((n + 1) / 2));
  };
  Worker worker;
  worker.turned = arena_.floats(shape.head_dim);
  worker.panels = halves(most / kQueryBlock * shape.query_size());
  worker.ranges = reinterpret_cast<KeyRange*>(
      arena_.floats(static_cast<int64_t>(sizeof(KeyRange) / sizeof(float)) * most));
  worker.top = arena_.floats(most);
  worker.sum = arena_.floats(most * kLanePad);
  worker.out = arena_.floats(most * shape.width());
  worker.keys = {0,
                 halves(shape.key_size()),
                 halves(shape.value_size()),
                 arena_.floats(Q8Head{shape.head_dim}.n_blocks() * kPageTokens),
                 {}};
  worker.scratch = arena_.floats(kPromptScratch);
  worker.blocks = reinterpret_cast<PromptQueries*>(
      arena_.floats(static_cast<int64_t>(sizeof(PromptQueries) / sizeof(float)) * most));
  for (int64_t i = 0; i < most / kQueryBlock; ++i) {
    const int64_t first = i * kQueryBlock;
    worker.blocks[i] = {worker.panels + i * shape.query_size(),
                        worker.ranges + first,
                        {},
                        worker.top + first,
                        worker.sum + first * kLanePad,
                        worker.out + first * shape.width()};
  }
  return worker;
}

void PromptAttention::load_queries(const AttentionCall& call, const Block& block,
                                   const PromptShape& shape, const Worker& worker) const {
  const int64_t n_blocks = round_up(block.n_queries, kQueryBlock) / kQueryBlock;
  for (int64_t i = 0; i < n_blocks * kQueryBlock; ++i) {
    uint16_t* panel = worker.panels + i / kQueryBlock * shape.query_size();
    const int row = static_cast<int>(i % kQueryBlock);
    if (i >= block.n_queries) {
      worker.ranges[i] = {0, 0, nullptr};
      std::fill_n(worker.turned, shape.head_dim, 0.0f);
    } else {
      const int64_t query = block.first + i;
      const int64_t of = block.segment->first_row + query / call.group();
      worker.ranges[i] = call.range(*block.segment, block.kv_head, query);
      vectors_.turn(call.query(*block.segment, block.kv_head, query), call.ropes.turn(of),
                    shape.head_dim, call.spec.scale * kLog2E, worker.turned);
    }
    kernels_->pack_query(worker.turned, shape, row, panel);
  }
  for (int64_t i = 0; i < n_blocks; ++i) {
    worker.blocks[i].seen = ranges_of({worker.blocks[i].ranges, kQueryBlock});
    kernels_->clear(worker.blocks[i], shape);
  }
}

// Pages past the segment's last token leave zeros: no query sees them.
void PromptAttention::pack_keys(const AttentionCall& call, const Block& block,
                                const PromptShape& shape, PromptKeys& keys) const {
  const int64_t end = call.position(*block.segment, block.segment->n_rows);
  for (int i = 0; i < kKeyBlock / kPageTokens; ++i) {
    const int64_t base = keys.base + i * kPageTokens;
    const int64_t written = std::clamp<int64_t>(end - base, 0, kPageTokens);
    const int64_t there = written > 0 ? base : keys.base;
    kernels_->pack_page(call.page(*block.segment, block.kv_head, there, there),
                        static_cast<int>(written), shape, i, keys);
  }
}

void PromptAttention::attend(const AttentionCall& call, const Block& block,
                             const PromptShape& shape, Worker& worker) const {
  load_queries(call, block, shape, worker);
  const int64_t n_blocks = round_up(block.n_queries, kQueryBlock) / kQueryBlock;
  const int64_t begin = worker.ranges[0].first;
  const int64_t end = worker.ranges[block.n_queries - 1].end;
  for (int64_t base = begin / kKeyBlock * kKeyBlock; base < end; base += kKeyBlock) {
    worker.keys.base = base;
    pack_keys(call, block, shape, worker.keys);
    kernels_->attend(worker.blocks, n_blocks, worker.keys, shape, worker.scratch);
  }
  for (int64_t i = 0; i < block.n_queries; ++i) {
    kernels_->finish(worker.blocks[i / kQueryBlock], static_cast<int>(i % kQueryBlock), shape,
                     call.result(*block.segment, block.kv_head, block.first + i));
  }
}

void PromptAttention::run(const AttentionCall& call, const Batch& batch) {
  list_blocks(call, batch);
  if (blocks_.empty()) return;
  const PromptShape shape = {call.spec.head_dim, call.shape.type};
  int64_t most = 0, work = 0;
  for (const Block& block : blocks_) {
    most = std::max(most, round_up(block.n_queries, kQueryBlock));
    work += call.work(*block.segment, block.first, block.n_queries);
  }
  workers_.clear();
  for (int i = 0; i < pool_.n_threads(); ++i) workers_.push_back(make_worker(shape, most));
  spread(pool_, static_cast<int64_t>(blocks_.size()), work, [&](int worker, int64_t task) {
    kernels_->begin();
    attend(call, blocks_[static_cast<size_t>(task)], shape, workers_[static_cast<size_t>(worker)]);
    kernels_->end();
  });
}

}  // namespace overtake
