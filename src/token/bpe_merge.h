// The merging of byte-pair encoding (Sennrich et al. 2016): of all adjacent pairs that have a
// merge, the one of least rank, leftmost among equals, becomes one symbol, until none is left.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <queue>
#include <vector>

namespace overtake {

struct BpeSymbol {
  int32_t id;      // a token, or -1 for what the vocabulary does not have
  uint32_t begin;  // in the piece's bytes
  uint32_t end;
};

constexpr uint32_t kNoMerge = std::numeric_limits<uint32_t>::max();
struct BpeMerge {
  uint32_t rank = kNoMerge;
  int32_t id = -1;  // what the pair becomes
};

// Working memory, reused from piece to piece.
struct BpeScratch {
  std::vector<BpeSymbol> symbols;
  std::vector<BpeMerge> merges;  // [i]: of symbols i and its right neighbour
  std::vector<int32_t> previous;
  std::vector<int32_t> next;
  std::vector<uint64_t> heap;
};

namespace internal {

// A scan for the least rank each time: fastest for words.
template <typename FindMerge>
void merge_short(BpeScratch& scratch, FindMerge find_merge) {
  std::vector<BpeSymbol>& symbols = scratch.symbols;
  std::vector<BpeMerge>& merges = scratch.merges;
  merges.clear();
  for (size_t i = 0; i + 1 < symbols.size(); ++i) {
    merges.push_back(find_merge(symbols[i], symbols[i + 1]));
  }
  while (!merges.empty()) {
    const auto best =
        std::min_element(merges.begin(), merges.end(),
                         [](const BpeMerge& a, const BpeMerge& b) { return a.rank < b.rank; });
    if (best->rank == kNoMerge) return;
    const size_t i = best - merges.begin();
    symbols[i] = {best->id, symbols[i].begin, symbols[i + 1].end};
    symbols.erase(symbols.begin() + i + 1);
    merges.erase(best);
    if (i > 0) merges[i - 1] = find_merge(symbols[i - 1], symbols[i]);
    if (i < merges.size()) merges[i] = find_merge(symbols[i], symbols[i + 1]);
  }
}

// A heap over a linked list: n log n for a piece of n symbols. An entry of the heap is
// rank << 32 | place, stale if the merge at that place has another rank by now.
template <typename FindMerge>
void merge_long(BpeScratch& scratch, FindMerge find_merge) {
  std::vector<BpeSymbol>& symbols = scratch.symbols;
  const auto n = static_cast<int32_t>(symbols.size());
  scratch.merges.assign(n, BpeMerge{});
  scratch.previous.resize(n);
  scratch.next.resize(n);
  scratch.heap.clear();
  const auto later = std::greater<uint64_t>();
  const auto refresh = [&](int32_t i) {
    const int32_t right = scratch.next[i];
    scratch.merges[i] = right < n ? find_merge(symbols[i], symbols[right]) : BpeMerge{};
    if (scratch.merges[i].rank == kNoMerge) return;
    scratch.heap.push_back(static_cast<uint64_t>(scratch.merges[i].rank) << 32 |
                           static_cast<uint32_t>(i));
    std::push_heap(scratch.heap.begin(), scratch.heap.end(), later);
  };
  for (int32_t i = 0; i < n; ++i) {
    scratch.previous[i] = i - 1;
    scratch.next[i] = i + 1;
  }
  for (int32_t i = 0; i < n; ++i) refresh(i);
  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), later);
    const uint64_t entry = scratch.heap.back();
    scratch.heap.pop_back();
    const auto i = static_cast<int32_t>(entry & 0xffffffffu);
    if (scratch.merges[i].rank != entry >> 32) continue;
    const int32_t right = scratch.next[i];
    symbols[i] = {scratch.merges[i].id, symbols[i].begin, symbols[right].end};
    scratch.merges[right] = BpeMerge{};
    scratch.next[i] = scratch.next[right];
    if (scratch.next[i] < n) scratch.previous[scratch.next[i]] = i;
    refresh(i);
    if (scratch.previous[i] >= 0) refresh(scratch.previous[i]);
  }
  size_t kept = 0;
  for (int32_t i = 0; i < n; i = scratch.next[i]) symbols[kept++] = symbols[i];
  symbols.resize(kept);
}

}  // namespace internal

// Merges scratch.symbols in place. `find_merge(left, right)` gives the BpeMerge of two neighbours.
// Fewer than 2^31 symbols.
template <typename FindMerge>
void merge_symbols(BpeScratch& scratch, FindMerge find_merge) {
  constexpr size_t kShort = 64;
  if (scratch.symbols.size() <= kShort) {
    internal::merge_short(scratch, find_merge);
  } else {
    internal::merge_long(scratch, find_merge);
  }
}

}  // namespace overtake
