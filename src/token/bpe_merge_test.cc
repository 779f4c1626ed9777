#include "token/bpe_merge.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace overtake {
namespace {

using Merges = std::map<std::pair<int32_t, int32_t>, BpeMerge>;

// The definition, word by word: merge the pair of least rank, leftmost first, and look again.
std::vector<int32_t> merged_by_definition(std::vector<int32_t> ids, const Merges& merges) {
  for (;;) {
    uint32_t best_rank = kNoMerge;
    size_t best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges.find({ids[i], ids[i + 1]});
      if (found != merges.end() && found->second.rank < best_rank) {
        best_rank = found->second.rank;
        best = i;
      }
    }
    if (best_rank == kNoMerge) return ids;
    ids[best] = merges.at({ids[best], ids[best + 1]}).id;
    ids.erase(ids.begin() + best + 1);
  }
}

TEST(BpeMerge, ShortAndLongWaysFollowTheDefinition) {
  std::mt19937 rng(5);
  for (int round = 0; round < 300; ++round) {
    Merges merges;
    const int n_merges = 1 + rng() % 30;
    for (int i = 0; i < n_merges; ++i) {
      // Few ranks, so that equal ones meet, as equal scores do in SentencePiece.
      const std::pair<int32_t, int32_t> pair(rng() % (3 + i), rng() % (3 + i));
      merges.emplace(pair, BpeMerge{static_cast<uint32_t>(rng() % 12), 3 + i});
    }
    std::vector<int32_t> ids(1 + rng() % 200);
    for (int32_t& id : ids) id = rng() % 3;
    BpeScratch scratch;
    const auto find = [&](const BpeSymbol& left, const BpeSymbol& right) {
      const auto found = merges.find({left.id, right.id});
      return found == merges.end() ? BpeMerge{} : found->second;
    };
    for (const bool use_heap : {false, true}) {
      scratch.symbols.clear();
      for (uint32_t i = 0; i < ids.size(); ++i) scratch.symbols.push_back({ids[i], i, i + 1});
      use_heap ? internal::merge_long(scratch, find) : internal::merge_short(scratch, find);
      std::vector<int32_t> got;
      uint32_t end = 0;
      for (const BpeSymbol& symbol : scratch.symbols) {
        got.push_back(symbol.id);
        EXPECT_EQ(symbol.begin, end) << "symbols cover the piece without gaps";
        end = symbol.end;
      }
      EXPECT_EQ(end, ids.size());
      EXPECT_EQ(got, merged_by_definition(ids, merges)) << "heap: " << use_heap;
    }
  }
}

}  // namespace
}  // namespace overtake
