#include "token/byte_trie.h"

#include <bit>

#include "base/check.h"

namespace overtake {

ByteTrie::ByteTrie(size_t n_bytes)
    : slots_(std::bit_ceil(2 * n_bytes + 2)), mask_(slots_.size() - 1) {}

bool ByteTrie::insert(std::string_view string, int32_t value) {
  if (string.size() > kMaxStringBytes) return false;
  uint32_t node = kRoot;
  for (const char byte : string) {
    const uint64_t key = key_of(node, byte);
    size_t at = mix_hash(key, 0) & mask_;
    int probes = 0;
    while (slots_[at].key != key && slots_[at].key != kEmpty) {
      if (++probes == kMaxProbes) return false;
      at = (at + 1) & mask_;
    }
    if (slots_[at].key == kEmpty) {
      OVERTAKE_CHECK(2 * values_.size() <= slots_.size());
      slots_[at] = {key, static_cast<uint32_t>(values_.size())};
      values_.push_back(-1);
    }
    node = slots_[at].node;
  }
  if (values_[node] < 0) values_[node] = value;
  return true;
}

}  // namespace overtake
