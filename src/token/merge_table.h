// MergeTable: the merges of a byte-level BPE, from a pair of tokens to its rank and result.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "token/bpe_merge.h"
#include "token/hash.h"
#include "token/vocabulary.h"

namespace overtake {

// Fill it, then read it from any thread.
class MergeTable {
 public:
  explicit MergeTable(size_t n_merges) : slots_(std::bit_ceil(2 * n_merges + 2)) {}

  // Of a pair that comes twice the first counts. False: too many collisions (see kMaxProbes).
  bool add(int32_t left, int32_t right, BpeMerge merge) {
    const uint64_t pair = key(left, right);
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0, at = mix_hash(pair, 0) & mask; i < kMaxProbes; ++i, at = (at + 1) & mask) {
      if (slots_[at].pair == pair) return true;
      if (slots_[at].pair != kEmpty) continue;
      OVERTAKE_CHECK(2 * ++n_merges_ <= slots_.size());
      slots_[at] = {pair, merge};
      return true;
    }
    return false;
  }

  BpeMerge find(int32_t left, int32_t right) const {
    const uint64_t pair = key(left, right);
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0, at = mix_hash(pair, 0) & mask; i < kMaxProbes; ++i, at = (at + 1) & mask) {
      if (slots_[at].pair == pair) return slots_[at].merge;
      if (slots_[at].pair == kEmpty) return {};
    }
    return {};  // add() put nothing farther away
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};  // two ids of -1, which no merge has
  struct Slot {
    uint64_t pair = kEmpty;
    BpeMerge merge;
  };
  static uint64_t key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }

  std::vector<Slot> slots_;
  size_t n_merges_ = 0;
};

// Reads tokenizer.ggml.merges: kDamaged if the list is missing or names what is no token.
Result<MergeTable> read_merges(const Metadata& metadata, const Vocabulary& vocabulary,
                               std::string_view path);

}  // namespace overtake
