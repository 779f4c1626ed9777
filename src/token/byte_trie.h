// ByteTrie: strings found by their prefixes, byte by byte, in one flat hash of (node, byte) pairs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "token/hash.h"

namespace overtake {

// Fill it, then read it from any thread.
class ByteTrie {
 public:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNone = ~uint32_t{0};

  // Bytes of all strings together and of the longest: ten times those of real vocabularies.
  static constexpr size_t kMaxBytes = size_t{1} << 25;
  static constexpr size_t kMaxStringBytes = 1024;

  // Room for strings of `n_bytes` together, at most kMaxBytes.
  explicit ByteTrie(size_t n_bytes = 0);
  // False: too long, or too many collisions (see kMaxProbes). Of equal strings the first keeps its
  // value.
  bool insert(std::string_view string, int32_t value);

  // The node that `byte` leads to from `node`; kNone if no string goes on so.
  uint32_t next(uint32_t node, char byte) const {
    const uint64_t key = key_of(node, byte);
    for (size_t at = mix_hash(key, 0) & mask_, i = 0; i < kMaxProbes; ++i, at = (at + 1) & mask_) {
      if (slots_[at].key == key) return slots_[at].node;
      if (slots_[at].key == kEmpty) return kNone;
    }
    return kNone;
  }
  // The value of the string that ends in `node`; -1 if none does.
  int32_t value(uint32_t node) const { return values_[node]; }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static uint64_t key_of(uint32_t node, char byte) {
    return static_cast<uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }
  struct Slot {
    uint64_t key = kEmpty;
    uint32_t node = 0;
  };

  std::vector<Slot> slots_;  // a power of two, at most half full
  size_t mask_;
  std::vector<int32_t> values_ = {-1};  // [n_nodes]
};

}  // namespace overtake
