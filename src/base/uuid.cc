#include "base/uuid.h"

#include <sys/random.h>

#include <array>
#include <chrono>
#include <cstring>

#include "base/check.h"

namespace overtake {
namespace {

struct Random {
  uint16_t high;
  uint64_t low;
};

// The kernel is asked for many ids' bits at a time: one call an id would show at high rates.
Random take_random() {
  constexpr size_t kBytes = sizeof(uint16_t) + sizeof(uint64_t);
  thread_local std::array<unsigned char, 25 * kBytes> pool;  // getrandom gives 256 bytes whole
  thread_local size_t used = pool.size();
  if (used == pool.size()) {
    OVERTAKE_CHECK(getrandom(pool.data(), pool.size(), 0) == static_cast<ssize_t>(pool.size()));
    used = 0;
  }
  Random random;
  std::memcpy(&random.high, pool.data() + used, sizeof random.high);
  std::memcpy(&random.low, pool.data() + used + sizeof random.high, sizeof random.low);
  used += kBytes;
  return random;
}

}  // namespace

std::string format_uuid_v7(uint64_t unix_ms, uint16_t random_high, uint64_t random_low) {
  const uint64_t high = unix_ms << 16 | 0x7000 | (random_high & 0x0fff);
  const uint64_t low = (random_low >> 2) | 0x8000'0000'0000'0000;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) out += '-';
    const uint64_t word = nibble < 16 ? high : low;
    out += kHex[word >> (60 - 4 * (nibble % 16)) & 15];
  }
  return out;
}

std::string make_uuid_v7() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const Random random = take_random();
  return format_uuid_v7(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()),
      random.high, random.low);
}

}  // namespace overtake
