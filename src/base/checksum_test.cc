#include "base/checksum.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace overtake {
namespace {

std::vector<std::byte> some_bytes(size_t n) {
  std::vector<std::byte> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(i * 37 + (i >> 8));
  return out;
}

TEST(Checksum, ChangesWithEveryBit) {
  for (const size_t n : {1u, 7u, 63u, 64u, 65u, 200u}) {
    std::vector<std::byte> bytes = some_bytes(n);
    std::set<uint64_t> seen = {checksum(bytes)};
    for (size_t bit = 0; bit < 8 * n; ++bit) {
      const auto flip = static_cast<std::byte>(1 << bit % 8);
      bytes[bit / 8] ^= flip;
      EXPECT_TRUE(seen.insert(checksum(bytes)).second) << n << " bytes, bit " << bit;
      bytes[bit / 8] ^= flip;
    }
  }
}

TEST(Checksum, TellsLengthsOfZerosApart) {
  const std::vector<std::byte> zeros(300);
  std::set<uint64_t> seen;
  for (size_t n = 0; n <= zeros.size(); ++n) {
    EXPECT_TRUE(seen.insert(checksum(std::span(zeros).first(n))).second) << n;
  }
}

// Blocks, lines or words in another order.
TEST(Checksum, SeesWhatChangedPlaces) {
  for (const size_t step : {8u, 64u, 512u}) {
    std::vector<std::byte> bytes = some_bytes(4 * step);
    const uint64_t before = checksum(bytes);
    std::swap_ranges(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(step),
                     bytes.begin() + 2 * static_cast<ptrdiff_t>(step));
    EXPECT_NE(checksum(bytes), before) << step;
  }
}

// What stands in files must not change with the program.
TEST(Checksum, IsTheSameEverywhere) {
  EXPECT_EQ(checksum(some_bytes(1000)), 17567973787216956765u);
}

}  // namespace
}  // namespace overtake
